/* A disk that stalls, for a process that this library is preloaded into: a write to the disk takes a second and a half,
   unless the last one that did so ended less than half a second ago. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

#define STALL_SECONDS 1.5
#define BREATH_SECONDS 0.5

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int fdatasync(int file)
{
    static double breath_until;
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (now() >= breath_until) {
        struct timespec stall = {(time_t)STALL_SECONDS, (long)((STALL_SECONDS - (time_t)STALL_SECONDS) * 1e9)};
        nanosleep(&stall, NULL);
        breath_until = now() + BREATH_SECONDS;
    }
    return real(file);
}
