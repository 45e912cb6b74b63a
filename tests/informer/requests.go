package main

import (
	"net/http"
	"strings"
	"sync"
)

// counts are the requests for reports, by what came of them.
type counts struct {
	// Streamed are watches that began with all that there is.
	Streamed int `json:"streamed"`
	// Listed are lists.
	Listed int `json:"listed"`
	// Resumed are watches that went on from a version.
	Resumed int `json:"resumed"`
	// Refused are those of any kind that were answered by an error.
	Refused int `json:"refused"`
	// Unanswered are those of any kind that nobody answered.
	Unanswered int `json:"unanswered"`
}

type requests struct {
	lock   sync.Mutex
	counts counts
}

type counting struct {
	inner http.RoundTripper
	asked *requests
}

// count passes requests on, and takes note of what becomes of them.
func (r *requests) count(inner http.RoundTripper) http.RoundTripper {
	return &counting{inner, r}
}

func (r *requests) sofar() counts {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.counts
}

func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.inner.RoundTrip(request)
	if strings.HasSuffix(request.URL.Path, "/"+reports.Resource) {
		c.asked.lock.Lock()
		defer c.asked.lock.Unlock()
		*c.asked.counts.of(request, response, err)++
	}
	return response, err
}

func (c *counts) of(request *http.Request, response *http.Response, err error) *int {
	query := request.URL.Query()
	switch {
	case err != nil:
		return &c.Unanswered
	case response.StatusCode != http.StatusOK:
		return &c.Refused
	case query.Get("sendInitialEvents") == "true":
		return &c.Streamed
	case query.Get("watch") == "true":
		return &c.Resumed
	default:
		return &c.Listed
	}
}
