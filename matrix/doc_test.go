// Package matrix_test takes libraries that Go services are made of through
// orchestrations on virtual time. Each is used as its own documentation says,
// and knows nothing of the time that it runs on: what the tests pin is when
// things happen, to the microsecond or exactly.
package matrix_test
