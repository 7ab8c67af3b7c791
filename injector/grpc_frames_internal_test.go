package injector

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// splitMessages reads the messages of a body as a whole, for comparison. begun
// counts those of which a byte is there, ended those that are complete.
func splitMessages(body []byte) (payload []byte, begun, ended int) {
	for len(body) > 0 {
		begun++
		if len(body) < framePrefix {
			return payload, begun, ended
		}
		n := int64(binary.BigEndian.Uint32(body[1:framePrefix]))
		body = body[framePrefix:]
		if n > int64(len(body)) {
			return append(payload, body...), begun, ended
		}
		payload, body = append(payload, body[:n]...), body[n:]
		ended++
	}
	return payload, begun, ended
}

// However a body is torn, the same bytes are payload and the same messages are
// counted, and nothing is changed.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x02hi\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01x"), uint8(1))
	f.Add([]byte("\x00\xff\xff\xff\xffno end"), uint8(3))
	f.Add([]byte("\x00\x00\x00"), uint8(2))
	f.Fuzz(func(t *testing.T, body []byte, size uint8) {
		payload, begun, ended := splitMessages(body)
		var s frames
		var got []byte
		var at int64
		gotBegun, gotEnded := 0, 0
		before := string(body)
		for rest := body; len(rest) > 0; {
			piece := rest[:min(len(rest), int(size)+1)]
			rest = rest[len(piece):]
			for len(piece) > 0 {
				if !s.inside() {
					gotBegun++
				}
				n, isPayload, ends := s.next(piece)
				require.Positive(t, n, "it goes on")
				if isPayload {
					got = append(got, piece[:n]...)
				}
				if ends {
					gotEnded++
				}
				piece = piece[n:]
			}
		}
		require.Equal(t, before, string(body))
		require.Equal(t, string(payload), string(got))
		require.Equal(t, []int{begun, ended}, []int{gotBegun, gotEnded})
		require.Equal(t, begun > ended, s.inside())

		var whole frames
		got = nil
		whole.payloads(body, &at, func(piece []byte, offset int64) {
			require.EqualValues(t, len(got), offset)
			got = append(got, piece...)
		})
		require.Equal(t, string(payload), string(got))
		require.EqualValues(t, len(payload), at)
	})
}

// FuzzGRPCTimeout: what is read is never negative and never more than a wait
// may last.
func FuzzGRPCTimeout(f *testing.F) {
	for _, text := range []string{"1S", "99999999H", "0n", "250m", "12345678u", "1M", "", "S", "-1S", "1 S"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := grpcTimeout(text)
		require.True(t, d >= 0 && d <= maxDelay, "%v", d)
		if !ok {
			require.Zero(t, d)
			return
		}
		require.Regexp(t, `^[0-9]{1,8}[HMSmun]$`, text)
	})
}
