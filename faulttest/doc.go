// Package faulttest holds tests only: the built program between a client that
// does not lie and stores whose every call can fail, with the program killed
// before and after each of them, or be answered by somebody else. fault.go says
// what can happen to a call and lies.go what can be said to it; s3.go and
// redis.go are proxies in front of the real servers that make it happen;
// scenario_test.go is what clients do, and matrix_test.go tries everything
// everywhere.
package faulttest
