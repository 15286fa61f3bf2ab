// Package faulttest holds tests only: the built program between a client that
// does not lie and stores whose every call can fail, with the program killed
// before and after each of them. fault.go says what can happen to a call,
// s3.go and redis.go are proxies in front of the real servers that make it
// happen, and matrix_test.go tries everything everywhere.
package faulttest
