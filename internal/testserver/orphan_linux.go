package testserver

import "syscall"

// endWithParent makes the kernel end a server whose test was killed: then no
// cleanup runs.
func endWithParent(last syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: last}
}
