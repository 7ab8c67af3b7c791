package injector

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The statuses of gRPC that the package itself speaks of.
const (
	grpcOK                = 0
	grpcUnknown           = 2
	grpcDeadlineExceeded  = 4
	grpcUnavailable       = 14
	grpcInterruptionReset = "reset" // interruption_status: no status, the stream is reset
)

// GRPCStatuses are the names of the statuses of gRPC, by number.
func GRPCStatuses() []string {
	return []string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}
}

// grpcName is the name of a status, or its number where it has none.
func grpcName(code int) string {
	if names := GRPCStatuses(); code >= 0 && code < len(names) {
		return names[code]
	}
	return "status " + strconv.Itoa(code)
}

// grpcCode is the number of a status, which is given by name or by number. It
// reports false for what is no status.
func grpcCode(text string) (int, bool) {
	names := GRPCStatuses()
	if i := slices.Index(names, strings.ToUpper(strings.TrimSpace(text))); i >= 0 {
		return i, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n < len(names)
}

// grpcCodes are the numbers of the statuses of a list, without what is none.
func grpcCodes(list []string) []int {
	var out []int
	for _, text := range list {
		if code, ok := grpcCode(text); ok {
			out = append(out, code)
		}
	}
	return out
}

// grpcOf is the status of gRPC that an HTTP status becomes where a call is
// answered with it.
func grpcOf(status int) int {
	switch status {
	case http.StatusBadRequest:
		return 3
	case http.StatusUnauthorized:
		return 16
	case http.StatusForbidden:
		return 7
	case http.StatusNotFound:
		return 5
	case http.StatusTooManyRequests:
		return 8
	case http.StatusInternalServerError:
		return 13
	case http.StatusNotImplemented:
		return 12
	case http.StatusServiceUnavailable:
		return grpcUnavailable
	case http.StatusGatewayTimeout:
		return grpcDeadlineExceeded
	}
	return grpcUnknown
}

// grpcFailed reports whether a status says that the server failed, as a 5xx
// does: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and
// DATA_LOSS. What is no status counts too: the server did not say how it went.
func grpcFailed(code int) bool {
	switch code {
	case grpcUnknown, grpcDeadlineExceeded, 12, 13, grpcUnavailable, 15:
		return true
	}
	return code < 0 || code >= len(GRPCStatuses())
}

// The fields of a header or a trailer that gRPC has.
const (
	headerGRPCStatus   = "Grpc-Status"
	headerGRPCMessage  = "Grpc-Message"
	headerGRPCDetails  = "Grpc-Status-Details-Bin"
	headerGRPCPushback = "Grpc-Retry-Pushback-Ms"
	headerGRPCTimeout  = "Grpc-Timeout"
)

// grpcStatusIn finds the status in a header or trailer. There is none where it
// reports false; what cannot be read is -1.
func grpcStatusIn(h http.Header) (code int, ok bool) {
	for _, name := range [...]string{headerGRPCStatus, http.TrailerPrefix + headerGRPCStatus} {
		if values := h[name]; len(values) > 0 {
			n, err := strconv.Atoi(values[0])
			if err != nil || n < 0 {
				n = -1
			}
			return n, true
		}
	}
	return 0, false
}

// grpcMessage writes a message as Grpc-Message has it: what is not printable
// ASCII, and the percent sign, as percent and two digits for each byte.
func grpcMessage(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
