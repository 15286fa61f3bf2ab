package s3backend

// apart runs f on a stack of its own. A goroutine keeps the deepest stack that
// it ever had while it uses a quarter of it, and the SDK's calls need 64 KiB:
// who waits for a slow client afterwards would hold them all the while.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}
