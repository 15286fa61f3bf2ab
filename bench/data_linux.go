package main

import "syscall"

// tmpfs is the file system's type by statfs(2), TMPFS_MAGIC.
const tmpfs = 0x01021994

// freeMemory is how many bytes a folder that is kept in memory has room for; 0
// if it is not there, or not in memory.
func freeMemory(dir string) int64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Type != tmpfs {
		return 0
	}
	return int64(fs.Bavail) * fs.Bsize
}
