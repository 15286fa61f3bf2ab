// Package crowdtest holds tests only: a thousand clients at once that stall,
// break off, lie about their bodies or send garbage, against the built program
// and against its packages in this process, in front of the real MinIO and the
// real Redis. Afterwards every upload is where it was and can be finished, and
// nothing of the crowd is left: no connection, no goroutine, no memory.
//
//   - broken_test.go: the ways to be broken, and what each is answered;
//   - honest_test.go: the client that begins the uploads and finishes them;
//   - crowd_test.go: the tests;
//   - process_test.go, stack_test.go: what is left in a process, in this one.
package crowdtest
