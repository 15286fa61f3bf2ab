//go:build !linux

package proxy

import (
	"errors"
	"syscall"
)

const hasPatience = false

func setLowWater(syscall.RawConn, int) error { return errors.ErrUnsupported }

func ripe(uintptr) bool { return true }

func readNow(syscall.RawConn, []byte) int { return 0 }
