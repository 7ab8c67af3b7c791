package assert

// An Absorber is what hid an injected fault from an operation's caller.
type Absorber string

const (
	Transport Absorber = "transport" // the HTTP transport repeated the request by itself
	Retry     Absorber = "retry"     // a later attempt succeeded
	Fallback  Absorber = "fallback"  // the last attempt failed, and the operation succeeded all the same
)
