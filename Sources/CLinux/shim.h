#pragma once
// What the Glibc module leaves out.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <spawn.h>

// Names the calling thread for top and debuggers; prctl is variadic, which Swift does not import.
static inline int linux_set_thread_name(const char *name) {
    return prctl(PR_SET_NAME, name, 0, 0, 0);
}

// Declared by <spawn.h> only for _GNU_SOURCE, which the Glibc module is built without.
extern int posix_spawn_file_actions_addchdir_np(
    posix_spawn_file_actions_t *actions, const char *path);
extern int posix_spawn_file_actions_addclosefrom_np(
    posix_spawn_file_actions_t *actions, int from);
// Declared by the system only for GNU sources, which the importer's defaults are not.
#include <sys/socket.h>
int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
