package server

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is kept has an end, in memory and on disk, and taking something's place
// is possible up to it.
func TestBoundsOfWhatIsKept(t *testing.T) {
	t.Parallel()
	disk, err := openStore(t.TempDir())
	require.NoError(t, err)
	memory := newMemoryStore()
	require.Equal(t, []int{maxKeptBytes, maxKeptBytes}, []int{memory.room, disk.room})
	const room = 1 << 20 // to fill all of it keeps a machine busy for long
	memory.room, disk.room = room, room
	for name, s := range map[string]store{"memory": memory, "disk": disk} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer s.close()
			document := make([]byte, room/8)
			kept := 0
			for ; kept < 10; kept++ {
				if err := s.putImport(imported{Name: fmt.Sprint(kept), Document: document}); err != nil {
					require.ErrorIs(t, err, errFull)
					break
				}
			}
			require.Greater(t, kept, 3)
			require.Less(t, kept, 9)
			none, err := s.importOf(fmt.Sprint(kept))
			require.NoError(t, err)
			require.Nil(t, none, "what was refused is not there")
			require.NoError(t, s.putImport(imported{Name: "0", Document: document, Steps: 2}))
			require.ErrorIs(t, s.putImport(imported{Name: "1", Document: make([]byte, room)}), errFull)
			one, err := s.importOf("1")
			require.NoError(t, err)
			require.Len(t, one.Document, len(document), "and what it would have replaced still is")
			found, err := s.deleteImport("0")
			require.NoError(t, err)
			require.True(t, found)
			require.NoError(t, s.putImport(imported{Name: fmt.Sprint(kept), Document: document}))
			all, err := s.imports()
			require.NoError(t, err)
			require.Len(t, all, kept)
			require.Nil(t, all[0].Document)

			require.NoError(t, s.putProfile("p", []byte("{}")), "another kind has an end of its own")
			require.ErrorIs(t, s.putProfile("q", make([]byte, room)), errFull)
			profile, err := s.profileOf("q")
			require.NoError(t, err)
			require.Nil(t, profile)
		})
	}
}
