-- Raises the version (the prelude does it); nothing else.
return 1
