//go:build !linux && !darwin

package s3backend

import "syscall"

const canPeek = false

func readable(syscall.RawConn) bool { return true }
