package orchestrator

import "github.com/mockforge-go/mockforge/injector"

func websocketFields() []field[injector.WebSocket] {
	type websocket = injector.WebSocket
	return []field[websocket]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(w *websocket) codec { return switched(&w.Enabled) }},
		{name: "close_codes", doc: "Close codes to end connections with.",
			bind: func(w *websocket) codec {
				return list(&w.CloseCodes, false, func(v *int) codec { return integer(v, limits{1000, 4999, false}) })
			}},
		{name: "probability", def: "0.1", doc: "Of a close.",
			bind: func(w *websocket) codec { return maybe(&w.Probability, probability) }},
		{name: "message_drop_probability", def: "0.05", doc: "Of losing a message.",
			bind: func(w *websocket) codec { return maybe(&w.MessageDropProbability, probability) }},
		{name: "message_corruption_probability", def: "0.05", doc: "Of corrupting one.",
			bind: func(w *websocket) codec { return maybe(&w.MessageCorruptionProbability, probability) }},
	}
}
