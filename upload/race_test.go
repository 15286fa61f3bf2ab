//go:build race

package upload_test

// garbage is what a chunk may leave, as a share of its size: sync.Pool throws
// one in four away under the race detector.
const garbage = 0.5
