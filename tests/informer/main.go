// Command informer follows the reports of a cluster by client-go's own
// informer, as controllers do, through whatever server the kubeconfig in
// KUBECONFIG names. It says "synced" on standard error once it knows them all.
//
// Each line of standard input is the name of a report and a version of it.
// When standard input ends, it waits until it holds all of these, or newer
// ones, and prints what is in its cache, what else it has ever seen, and by
// which requests it got there.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/features"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// How long what it is asked to hold may take to come.
const heldWithin = time.Minute

var reports = schema.GroupVersionResource{Group: "system.kdoctor.io", Version: "v1beta1", Resource: "kdoctorreports"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "informer: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	if !features.FeatureGates().Enabled(features.WatchListClient) {
		return fmt.Errorf("lists are not streamed (KUBE_FEATURE_WatchListClient turns that off): unset it")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return fmt.Errorf("could not read the kubeconfig: %w", err)
	}
	asked := &requests{}
	config.Wrap(asked.count)
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("could not use the kubeconfig: %w", err)
	}
	informer := dynamicinformer.NewDynamicSharedInformerFactory(client, 0).ForResource(reports).Informer()
	seen := &names{known: map[string]bool{}, changed: make(chan struct{}, 1)}
	if _, err := informer.AddEventHandler(seen); err != nil {
		return fmt.Errorf("could not listen to changes: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return fmt.Errorf("could not learn of all reports")
	}
	fmt.Fprintf(os.Stderr, "synced by %+v\n", asked.sofar())

	wanted, err := read()
	if err != nil {
		return err
	}
	late := await(informer.GetStore(), seen, wanted)
	// Also when something lacks: what is there tells why.
	found := map[string]any{"reports": informer.GetStore().List(), "seen": seen.sorted(), "requests": asked.sofar()}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		return err
	}
	return late
}

// read takes the versions that are to be held, by name, until nothing more comes.
func read() (map[string]uint64, error) {
	wanted := map[string]uint64{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		version, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("could not read %q (should be a name and a version): %w", lines.Text(), err)
		}
		wanted[name] = version
	}
	return wanted, lines.Err()
}

func await(store cache.Store, seen *names, wanted map[string]uint64) error {
	deadline := time.After(heldWithin)
	for {
		lacking := lacks(store, seen, wanted)
		if lacking == "" {
			return nil
		}
		select {
		case <-seen.changed:
		case <-deadline:
			return fmt.Errorf("still not there after %s: %s", heldWithin, lacking)
		}
	}
}

// lacks names one that the store does not hold at all or in an older version, or that was not told of yet; none when all are there.
func lacks(store cache.Store, seen *names, wanted map[string]uint64) string {
	for name, version := range wanted {
		held, _, _ := store.GetByKey(name)
		report, ok := held.(*unstructured.Unstructured)
		if !ok || !seen.has(name) {
			return name
		}
		if of, err := strconv.ParseUint(report.GetResourceVersion(), 10, 64); err != nil || of < version {
			return fmt.Sprintf("%s as of %d (it is as of %s)", name, version, report.GetResourceVersion())
		}
	}
	return ""
}
