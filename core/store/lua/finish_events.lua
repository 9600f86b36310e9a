-- Removes entries after their effect. ARGV: ids.
remove(ARGV)
return 1
