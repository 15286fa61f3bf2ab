// Package splice moves bytes from one socket to another inside the kernel:
// splice(2) hands pages from a socket to a pipe and from there to a socket, and
// nothing is copied, nor seen by this process.
//
// Linux alone has that, and a sandbox may forbid it: see Supported. Elsewhere
// the functions fail with errors.ErrUnsupported, and callers copy as ever.
package splice

// Capacity is what a Pipe holds at most, in bytes. It is memory of the
// kernel's, taken only while bytes are in it; an unprivileged user may have
// 64 MiB of it in all (pipe(7), pipe-user-pages-soft).
const Capacity = 1 << 20
