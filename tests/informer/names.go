package main

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/client-go/tools/cache"
)

// names are those of all reports that there ever were, as far as an informer has told.
type names struct {
	lock  sync.Mutex
	known map[string]bool
	// changed holds one note that something has changed since the last look.
	changed chan struct{}
}

func (n *names) OnAdd(report any, _ bool) {
	name, err := cache.MetaNamespaceKeyFunc(report)
	if err == nil {
		n.lock.Lock()
		n.known[name] = true
		n.lock.Unlock()
	}
	n.note()
}

func (n *names) OnUpdate(_, _ any) { n.note() }

func (n *names) OnDelete(_ any) { n.note() }

func (n *names) has(name string) bool {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.known[name]
}

func (n *names) sorted() []string {
	n.lock.Lock()
	defer n.lock.Unlock()
	return slices.Sorted(maps.Keys(n.known))
}

func (n *names) note() {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}
