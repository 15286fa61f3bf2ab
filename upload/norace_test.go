//go:build !race

package upload_test

// garbage is what a chunk may leave, as a share of its size.
const garbage = 0.01
