package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// strays are variables that look like settings of ours and are none.
type strays []string

// environment looks at the variables whose names begin with CHUNKGATE_. A
// misspelt one leaves its setting at the default, and one that is set but empty,
// as ${X:-} makes it, takes the default away: both are refused, since nobody who
// wrote them meant it. Names that resemble no setting are answered.
func environment(app *kong.Application, environ []string) (strays, error) {
	hasDefault := settingsOf(app)
	var unknown strays
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "CHUNKGATE_") {
			continue
		}
		byDefault, known := hasDefault[name]
		switch {
		case known && byDefault && value == "":
			return nil, &settingError{name, "is set, but empty: give it a value, or unset it for the default"}
		case known && strings.TrimSpace(value) != value:
			return nil, &settingError{name, "begins or ends with white space"}
		case known || fromService(name, value):
		default:
			if right := nearest(name, hasDefault); right != "" {
				return nil, &settingError{name, fmt.Sprintf("is no setting; is %s meant?", right)}
			}
			unknown = append(unknown, name)
		}
	}
	return unknown, nil
}

// settingsOf are the variables of all commands, and whether each has a default.
func settingsOf(app *kong.Application) map[string]bool {
	hasDefault := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error { // no error but of ours
		if flag, ok := node.(*kong.Flag); ok {
			for _, name := range flag.Envs {
				hasDefault[name] = hasDefault[name] || flag.Default != ""
			}
		}
		return next(nil)
	})
	return hasDefault
}

// service are the names that Kubernetes gives every container for a Service
// called chunkgate or chunkgate-….
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
var service = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?$`)

func fromService(name, value string) bool {
	scheme, _, address := strings.Cut(value, "://")
	link := address && slices.Contains([]string{"tcp", "udp", "sctp"}, scheme)
	return service.MatchString(name) || strings.HasSuffix(name, "_PORT") && link
}

// misspelt is how many letters a name may be off to be taken for another.
const misspelt = 2

// nearest is the setting whose name is at most misspelt letters off; "" if none is.
func nearest(name string, known map[string]bool) string {
	best, least := "", misspelt+1
	for candidate := range known {
		d := distance(name, candidate)
		if d < least || d == least && best != "" && candidate < best {
			best, least = candidate, d
		}
	}
	return best
}

// distance is how many letters have to be put in, taken out or changed to make
// b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances between what was seen of a and b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
