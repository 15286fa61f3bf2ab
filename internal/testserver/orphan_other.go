//go:build !linux

package testserver

import "syscall"

func endWithParent(syscall.Signal) *syscall.SysProcAttr { return nil }
