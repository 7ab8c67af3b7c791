package server

import (
	_ "embed"
	"net/http"
)

// description is the OpenAPI 3.1 description of the API. A test holds it to the
// list of endpoints, to what they answer and to the fields of documents.
//
//go:embed openapi.json
var description []byte // constant

func getOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	write(w, http.StatusOK, "application/json", description)
	return nil
}
