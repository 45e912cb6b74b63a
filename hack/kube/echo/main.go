// Command echo answers every HTTP request with the pod and node that serve
// it, over IPv4 and IPv6: what hack/cluster.sh verify sends its curls to.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	body := fmt.Sprintf("pod=%s node=%s\n", os.Getenv("POD"), os.Getenv("NODE"))
	server := http.Server{
		Addr:              ":8080",
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, body)
		}),
	}
	log.Fatal(server.ListenAndServe())
}
