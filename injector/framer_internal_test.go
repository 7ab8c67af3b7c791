package injector

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// messagesOf cuts bytes into messages, given in chunks of some size, the way a
// station does.
func messagesOf(f framer, b []byte, chunk int) (out []string, ok bool) {
	for len(b) > 0 {
		part := b[:min(chunk, len(b))]
		b = b[len(part):]
		for len(part) > 0 {
			n, starts, ok := f.next(part)
			if !ok {
				return out, false
			}
			if starts || len(out) == 0 {
				out = append(out, "")
			}
			out[len(out)-1] += string(part[:n])
			part = part[n:]
		}
	}
	return out, true
}

func TestFramersTellMessagesApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		protocol string
		stream   Stream
		messages []string
	}{
		{"lines", Upstream, []string{"EHLO there\r\n", "\n", "MAIL FROM:<a@b>\r\n", "unfinished"}},
		{"redis", Upstream, []string{"*2\r\n$3\r\nGET\r\n$5\r\na\r\nbc\r\n", "PING\r\n", "*1\r\n$4\r\nQUIT\r\n"}},
		{"redis", Downstream, []string{
			"+OK\r\n", "-ERR no\r\n", ":42\r\n", "$-1\r\n", "$0\r\n\r\n", "*-1\r\n", "*0\r\n",
			"*3\r\n:1\r\n*2\r\n+a\r\n$2\r\n\r\n\r\n_\r\n", "%1\r\n+k\r\n*1\r\n#t\r\n", "|1\r\n+ttl\r\n:9\r\n$1\r\nx\r\n", ">2\r\n+message\r\n,1.5\r\n", ":1\r\n",
		}},
		{"kafka", Upstream, []string{"\x00\x00\x00\x04abcd", "\x00\x00\x00\x06abcdef", "\x00\x00\x00\x05abc"}},
		{"postgres", Upstream, []string{
			"\x00\x00\x00\x08\x04\xd2\x16\x2f",         // asks for TLS
			"\x00\x00\x00\x0d\x00\x03\x00\x00user\x00", // and does without
			"p\x00\x00\x00\x08pwd\x00", "Q\x00\x00\x00\x0dSELECT 1\x00", "X\x00\x00\x00\x04",
		}},
		{"postgres", Downstream, []string{"R\x00\x00\x00\x08\x00\x00\x00\x00", "Z\x00\x00\x00\x05I", "1\x00\x00\x00\x04"}},
	} {
		whole := []byte(strings.Join(c.messages, ""))
		for _, chunk := range []int{1, 2, 3, 5, 7, len(whole)} {
			got, ok := messagesOf(newFramer(c.protocol, c.stream, true), whole, chunk)
			require.True(t, ok)
			require.Equal(t, c.messages, got, "%s in chunks of %d", c.protocol, chunk)
		}
	}
}

// A server that is asked for TLS answers with one byte, which has no length.
func TestPostgresAnswersWithAByte(t *testing.T) {
	t.Parallel()
	f := newFramer("postgres", Downstream, true)
	got, ok := messagesOf(f, []byte("N"), 10)
	require.True(t, ok)
	require.Equal(t, []string{"N"}, got)
	got, ok = messagesOf(f, []byte("R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I"), 100)
	require.True(t, ok)
	require.Len(t, got, 2)
}

func TestFramersKnowWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	for protocol, all := range map[string][]string{
		"redis":    {"$x\r\n", "*99999999\r\n", "$-2\r\n", "$9999999999\r\n", "*" + strings.Repeat("1", 40), "+" + strings.Repeat("x", maxRedisLine+1)},
		"kafka":    {"\x00\x00\x00\x03", "\x7f\xff\xff\xff", "GET / HTTP/1.1\r\n"},
		"postgres": {"\x16\x03\x01\x02\x00\x01", "\x00\x00\x00\x07", "\x00\x00\x40\x00"},
		"lines":    {strings.Repeat("x", maxLine+1)},
		"":         {"anything"},
		"mqtt":     {"anything"},
	} {
		for _, b := range all {
			_, ok := messagesOf(newFramer(protocol, Upstream, true), []byte(b), 4096)
			require.False(t, ok, "%s: %.20q", protocol, b)
		}
	}
}

// FuzzFramer gives each framer any bytes, in chunks of any size.
func FuzzFramer(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n"), uint8(3), true)
	f.Add([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2fQ\x00\x00\x00\x05\x00"), uint8(1), false)
	f.Add([]byte("\x00\x00\x00\x04abcd\x00\x00"), uint8(200), true)
	f.Fuzz(func(t *testing.T, b []byte, chunk uint8, fresh bool) {
		for _, protocol := range []string{protocolRedis, protocolPostgres, protocolKafka, protocolLines} {
			for _, stream := range []Stream{Upstream, Downstream} {
				size := int(chunk)%64 + 1
				got, ok := messagesOf(newFramer(protocol, stream, fresh), b, size)
				require.True(t, strings.HasPrefix(string(b), strings.Join(got, "")), "bytes stay in order")
				if ok {
					require.Equal(t, string(b), strings.Join(got, ""), "and none is lost")
				}
				if protocol == protocolPostgres && stream == Downstream && fresh {
					continue // where the first chunk ends tells what its byte is
				}
				whole, same := messagesOf(newFramer(protocol, stream, fresh), b, len(b)+1)
				require.Equal(t, same, ok)
				if ok {
					require.Equal(t, whole, got, "chunks do not matter")
				}
			}
		}
	})
}
