package multiprotocol

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// User says whose session it is; "" for a session that does not exist.
func (s *Storefront) User(ctx context.Context, session string) (string, error) {
	user, err := s.sessions.Get(ctx, "session:"+session).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return user, err
}
