package upload

// Lent is how many bytes of the budget of buffers are in use.
func (e *Engine) Lent() int64 { return int64(e.slabs.inUse()) * slabSize }
