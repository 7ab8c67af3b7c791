package server

import "net/http"

func getOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"openapi": "3.1.0"})
	return nil
}
