package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/s3backend"
)

// doctor checks whether the stores are fit for what serve asks of them. It
// needs the settings that name them, and no tokens; it may run beside serve.
type doctor struct {
	stores

	StaleExpiry time.Duration `name:"minio-stale-uploads-expiry" env:"MINIO_API_STALE_UPLOADS_EXPIRY" help:"What MinIO's setting of this name is, which it cannot be asked for."`
	JSON        bool          `name:"json" help:"As JSON."`
}

// diagnosis is what doctor --json prints.
type diagnosis struct {
	Level  checkup.Level     `json:"level"` // the worst
	Checks []checkup.Finding `json:"checks"`
}

// Run makes all checks. What stores say of themselves is printed as they say
// it, with what to do behind it.
func (c *doctor) Run(ctx context.Context, out output, unknown strays) error {
	sessions, objects, redis, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer redis.Close()
	d := diagnosis{Level: checkup.OK}
	take := func(f checkup.Finding) bool {
		d.Level = checkup.Worse(d.Level, f.Level)
		d.Checks = append(d.Checks, f)
		if !c.JSON {
			_, err = fmt.Fprintln(out, lineOf(f))
		}
		return err == nil
	}
	if len(unknown) > 0 {
		f := checkup.Doubt("unset them, or see the README for what was meant", "no settings of chunkgate: %s", strings.Join(unknown, ", "))
		f.Check = "settings"
		take(f)
	}
	if err == nil {
		sessions.Examine(ctx, time.Now)(take)
	}
	if err == nil {
		objects.Examine(ctx, s3backend.Examination{
			StagingPrefix: c.StagingPrefix, TTL: c.UploadTTL, StaleExpiry: c.StaleExpiry, Now: time.Now,
		})(take)
	}
	if err == nil && c.JSON {
		err = json.NewEncoder(out).Encode(d)
	}
	switch {
	case err != nil:
		return err
	case d.Level == checkup.Fail:
		return exitCode(exitFailed)
	case d.Level == checkup.Warn:
		return exitCode(exitWarned)
	}
	return nil
}

// lineOf is a finding in one line.
func lineOf(f checkup.Finding) string {
	words := map[checkup.Level]string{checkup.OK: "ok  ", checkup.Warn: "warn", checkup.Fail: "FAIL"}
	line := fmt.Sprintf("%s  %s: %s", words[f.Level], f.Check, f.Found)
	if f.Advice != "" {
		line += " – " + f.Advice
	}
	return line
}
