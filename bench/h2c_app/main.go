// An app that answers every turn with the same few bytes, over HTTP/1.1 and h2c on one port: h2c_app HOST:PORT.
package main

import (
	"io"
	"net/http"
	"os"
)

func main() {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{Addr: os.Args[1], Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("content-type", "application/json")
		w.Write([]byte(`{"count":1}`))
	})}
	if err := server.ListenAndServe(); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
