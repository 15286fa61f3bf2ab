package deploy

import (
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
)

// name is what the chart calls things when it is installed as `gate`.
const name = "gate-chunkgate"

func deployment(t *testing.T, values string, set ...string) apps.Deployment {
	t.Helper()
	return decode[apps.Deployment](t, render(t, values, set...), "Deployment", name)
}

// TestPodsAreRestricted holds both pods to what Pod Security Standards call
// restricted, and to a root file system that cannot be written.
func TestPodsAreRestricted(t *testing.T) {
	doctor := decode[core.Pod](t, render(t, minimal), "Pod", name+"-doctor").Spec
	for who, pod := range map[string]core.PodSpec{"proxy": deployment(t, minimal).Spec.Template.Spec, "doctor": doctor} {
		s := pod.SecurityContext
		if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser != 65532 {
			t.Errorf("%s may run as root: %+v", who, s)
		}
		if s == nil || s.SeccompProfile == nil || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s has no seccomp profile", who)
		}
		if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
			t.Errorf("%s gets a token of Kubernetes' API", who)
		}
		if pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
			t.Errorf("%s gets variables of every Service; those of one called chunkgate look like settings", who)
		}
		for _, c := range pod.Containers {
			s := c.SecurityContext
			if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
				t.Errorf("%s may gain privileges", who)
			}
			if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
				t.Errorf("%s may write its root file system", who)
			}
			if s == nil || s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
				t.Errorf("%s keeps capabilities", who)
			}
			if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
				t.Errorf("%s has no limit of memory, or asks for no CPU, which the autoscaler measures by", who)
			}
		}
	}
}

func TestProbes(t *testing.T) {
	for values, scheme := range map[string]core.URIScheme{minimal: "", full: core.URISchemeHTTPS} {
		c := deployment(t, values).Spec.Template.Spec.Containers[0]
		for _, p := range []struct {
			what  string
			probe *core.Probe
			path  string
		}{
			{"startup", c.StartupProbe, "/healthz"},
			{"liveness", c.LivenessProbe, "/healthz"}, // not /readyz: a store that is down would restart every proxy
			{"readiness", c.ReadinessProbe, "/readyz"},
		} {
			if p.probe == nil || p.probe.HTTPGet == nil {
				t.Errorf("no %s probe", p.what)
				continue
			}
			if get := p.probe.HTTPGet; get.Path != p.path || get.Scheme != scheme || get.Port.StrVal != "http" {
				t.Errorf("%s: the %s probe asks %+v", values, p.what, get)
			}
		}
	}
}

// TestUpgradeLosesNothing: a pod goes only after its successor is ready, nobody
// sends it anything new when SIGTERM comes, and running work may end.
func TestUpgradeLosesNothing(t *testing.T) {
	for _, values := range []string{minimal, full} {
		d := deployment(t, values)
		rolling := d.Spec.Strategy.RollingUpdate
		if d.Spec.Strategy.Type != apps.RollingUpdateDeploymentStrategyType || rolling == nil ||
			rolling.MaxUnavailable == nil || rolling.MaxUnavailable.IntVal != 0 || rolling.MaxSurge.IntVal < 1 {
			t.Errorf("%s: strategy %+v", values, d.Spec.Strategy)
		}
		pod := d.Spec.Template.Spec
		c := pod.Containers[0]
		if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil || c.Lifecycle.PreStop.Sleep.Seconds < 5 {
			t.Fatalf("%s: the listener closes while load balancers still send: %+v", values, c.Lifecycle)
		}
		timeout, err := time.ParseDuration(variable(c, "CHUNKGATE_SHUTDOWN_TIMEOUT").Value)
		if err != nil || timeout <= 0 {
			t.Fatalf("CHUNKGATE_SHUTDOWN_TIMEOUT: %v, %v", timeout, err)
		}
		// Requests get the timeout, then commits whose clients have gone.
		drain := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
		if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; grace <= drain+2*timeout {
			t.Errorf("%s: killed after %v, but takes up to %v and twice %v", values, grace, drain, timeout)
		}
	}
}

func variable(c core.Container, name string) core.EnvVar {
	for _, v := range c.Env {
		if v.Name == name {
			return v
		}
	}
	return core.EnvVar{}
}

// TestSecretsByReference: what is secret is read from Secrets, and the password
// stands before the URL that it is put into.
func TestSecretsByReference(t *testing.T) {
	c := deployment(t, full).Spec.Template.Spec.Containers[0]
	for name, want := range map[string]string{
		"REDIS_PASSWORD": "chunkgate-redis/password", "AWS_ACCESS_KEY_ID": "chunkgate-s3/access-key-id",
		"AWS_SECRET_ACCESS_KEY": "chunkgate-s3/secret-access-key",
	} {
		from := variable(c, name).ValueFrom
		if from == nil || from.SecretKeyRef == nil || from.SecretKeyRef.Name+"/"+from.SecretKeyRef.Key != want {
			t.Errorf("%s is not from %s: %+v", name, want, from)
		}
	}
	index := func(name string) int {
		return slices.IndexFunc(c.Env, func(v core.EnvVar) bool { return v.Name == name })
	}
	if index("REDIS_PASSWORD") > index("CHUNKGATE_REDIS_URL") {
		t.Error("$(REDIS_PASSWORD) in the URL is not replaced: its variable comes later")
	}
	c = deployment(t, minimal, "redis.urlSecret.name=redis", "redis.url=").Spec.Template.Spec.Containers[0]
	if ref := variable(c, "CHUNKGATE_REDIS_URL").ValueFrom.SecretKeyRef; ref.Name != "redis" || ref.Key != "url" {
		t.Errorf("Redis's URL is from %+v", ref)
	}
	for _, doc := range documents(t, render(t, full)) {
		if doc.Kind == "Secret" || doc.Kind == "ConfigMap" {
			t.Errorf("the chart makes a %s", doc.Kind)
		}
	}
}

// TestMountedSecrets: files lie where the settings say.
func TestMountedSecrets(t *testing.T) {
	pod := deployment(t, full).Spec.Template.Spec
	c := pod.Containers[0]
	mounted := map[string]string{} // path → Secret
	for _, m := range c.VolumeMounts {
		for _, v := range pod.Volumes {
			if v.Name == m.Name && v.Secret != nil {
				mounted[m.MountPath] = v.Secret.SecretName
			}
		}
		if m.SubPath != "" {
			t.Errorf("%s would not follow its Secret", m.MountPath)
		}
	}
	for setting, secret := range map[string]string{
		"CHUNKGATE_TOKENS_FILE": "chunkgate-tokens", "CHUNKGATE_TLS_CERT": "chunkgate-tls", "CHUNKGATE_TLS_KEY": "chunkgate-tls",
	} {
		file := variable(c, setting).Value
		if got := mounted[file[:max(0, strings.LastIndexByte(file, '/'))]]; got != secret {
			t.Errorf("%s is %q, which is in Secret %q, want %q", setting, file, got, secret)
		}
	}
}

func TestSpread(t *testing.T) {
	d := deployment(t, minimal)
	var keys []string
	for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
		keys = append(keys, c.TopologyKey)
		if !selects(c.LabelSelector.MatchLabels, d.Spec.Template.Labels) {
			t.Errorf("the spread over %s counts other pods", c.TopologyKey)
		}
	}
	if want := []string{"topology.kubernetes.io/zone", "kubernetes.io/hostname"}; !slices.Equal(keys, want) {
		t.Errorf("spread over %v, want %v", keys, want)
	}
	if *d.Spec.Replicas < 2 {
		t.Errorf("%d replicas", *d.Spec.Replicas)
	}
}

// selects says whether a selector of labels fits.
func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}

// TestSelectors: everything means the proxies' pods, and the doctor's is not
// sent any uploads.
func TestSelectors(t *testing.T) {
	rendered := render(t, full)
	pods := deployment(t, full).Spec.Template.Labels
	doctor := decode[core.Pod](t, rendered, "Pod", name+"-doctor").Labels
	service := decode[core.Service](t, rendered, "Service", name)
	admin := decode[core.Service](t, rendered, "Service", name+"-admin")
	budget := decode[policy.PodDisruptionBudget](t, rendered, "PodDisruptionBudget", name)
	for what, selector := range map[string]map[string]string{
		"Service": service.Spec.Selector, "admin Service": admin.Spec.Selector,
		"PodDisruptionBudget": budget.Spec.Selector.MatchLabels,
	} {
		if !selects(selector, pods) || selects(selector, doctor) {
			t.Errorf("%s selects %v", what, selector)
		}
	}
	if budget.Spec.MaxUnavailable == nil || budget.Spec.MaxUnavailable.IntVal != 1 {
		t.Errorf("budget %+v", budget.Spec)
	}
	for _, p := range service.Spec.Ports {
		if p.TargetPort.StrVal != "http" {
			t.Errorf("the public Service leads to port %s", p.TargetPort.StrVal)
		}
	}
	monitor := decode[monitoring.ServiceMonitor](t, rendered, "ServiceMonitor", name)
	if !selects(monitor.Spec.Selector.MatchLabels, admin.Labels) || selects(monitor.Spec.Selector.MatchLabels, service.Labels) {
		t.Errorf("the ServiceMonitor selects %v", monitor.Spec.Selector.MatchLabels)
	}
}

// bytesInFlight is the gauge that the autoscaler looks at.
const bytesInFlight = "chunkgate_bodies_in_flight_bytes"

func TestAutoscaler(t *testing.T) {
	rendered := render(t, full)
	h := decode[autoscaling.HorizontalPodAutoscaler](t, rendered, "HorizontalPodAutoscaler", name)
	if ref := h.Spec.ScaleTargetRef; ref.Kind != "Deployment" || ref.Name != name {
		t.Errorf("scales %+v", ref)
	}
	if deployment(t, full).Spec.Replicas != nil {
		t.Error("the Deployment fixes the replicas that the autoscaler sets")
	}
	var got []string
	for _, m := range h.Spec.Metrics {
		switch {
		case m.Pods != nil && m.Pods.Target.Type == autoscaling.AverageValueMetricType && m.Pods.Target.AverageValue != nil:
			got = append(got, m.Pods.Metric.Name)
		case m.Resource != nil && m.Resource.Target.Type == autoscaling.UtilizationMetricType && m.Resource.Target.AverageUtilization != nil:
			got = append(got, string(m.Resource.Name))
		}
	}
	if want := []string{bytesInFlight, "cpu"}; !slices.Equal(got, want) {
		t.Errorf("scales by %v, want %v", got, want)
	}
	h = decode[autoscaling.HorizontalPodAutoscaler](t,
		render(t, full, "autoscaling.bytesInFlight.enabled=false"), "HorizontalPodAutoscaler", name)
	if len(h.Spec.Metrics) != 1 || h.Spec.Metrics[0].Resource == nil {
		t.Errorf("without custom metrics: scales by %+v", h.Spec.Metrics)
	}
}

func TestNetworkPolicy(t *testing.T) {
	rendered := render(t, full)
	n := decode[networking.NetworkPolicy](t, rendered, "NetworkPolicy", name)
	if !selects(n.Spec.PodSelector.MatchLabels, deployment(t, full).Spec.Template.Labels) {
		t.Errorf("is not the proxies': %v", n.Spec.PodSelector)
	}
	if want := []networking.PolicyType{"Ingress", "Egress"}; !slices.Equal(n.Spec.PolicyTypes, want) {
		t.Errorf("restricts %v", n.Spec.PolicyTypes)
	}
	var in []string
	for _, rule := range n.Spec.Ingress {
		in = append(in, ports(rule.Ports))
		if len(rule.From) != 1 {
			t.Errorf("port %s is open to %v", ports(rule.Ports), rule.From)
		}
	}
	if want := []string{"http", "admin"}; !slices.Equal(in, want) {
		t.Errorf("lets in to %v, want %v", in, want)
	}
	var out []string
	for _, rule := range n.Spec.Egress {
		out = append(out, ports(rule.Ports))
		if len(rule.To) != 1 {
			t.Errorf("may reach %v at %s", rule.To, ports(rule.Ports))
		}
	}
	if want := []string{"53 53", "6380", "9000", "80"}; !slices.Equal(out, want) {
		t.Errorf("lets out to %v, want %v", out, want)
	}
	// By default metrics and pprof are for nobody.
	n = decode[networking.NetworkPolicy](t, render(t, minimal), "NetworkPolicy", name)
	if len(n.Spec.Ingress) != 1 || ports(n.Spec.Ingress[0].Ports) != "http" {
		t.Errorf("by default lets in to %+v", n.Spec.Ingress)
	}
}

func ports(list []networking.NetworkPolicyPort) string {
	var names []string
	for _, p := range list {
		names = append(names, p.Port.String())
	}
	return strings.Join(names, " ")
}

func TestServiceAccount(t *testing.T) {
	a := decode[core.ServiceAccount](t, render(t, minimal), "ServiceAccount", name)
	if a.Annotations["eks.amazonaws.com/role-arn"] == "" {
		t.Errorf("annotations %v", a.Annotations)
	}
	if got := deployment(t, minimal).Spec.Template.Spec.ServiceAccountName; got != name {
		t.Errorf("the pods run as %q", got)
	}
	other := deployment(t, minimal, "serviceAccount.create=false", "serviceAccount.name=mine")
	if got := other.Spec.Template.Spec.ServiceAccountName; got != "mine" {
		t.Errorf("the pods run as %q, want mine", got)
	}
}

func TestIngress(t *testing.T) {
	i := decode[networking.Ingress](t, render(t, full), "Ingress", name)
	var hosts []string
	for _, rule := range i.Spec.Rules {
		hosts = append(hosts, rule.Host)
		p := rule.HTTP.Paths[0]
		// Every path: //1/… is one of the protocol's.
		if p.Path != "/" || *p.PathType != networking.PathTypePrefix || p.Backend.Service.Name != name || p.Backend.Service.Port.Number != 443 {
			t.Errorf("%s leads to %+v", rule.Host, p)
		}
	}
	if want := []string{"uploads.example.com", "api-content.example.com"}; !slices.Equal(hosts, want) {
		t.Errorf("hosts %v, want %v", hosts, want)
	}
}

// TestMonitoring: the rules that operators are given are those of deploy/prometheus.
func TestMonitoring(t *testing.T) {
	rule := decode[monitoring.PrometheusRule](t, render(t, full), "PrometheusRule", name)
	got := 0
	for _, g := range rule.Spec.Groups {
		got += len(g.Rules)
	}
	if want := strings.Count(read(t, "deploy/prometheus/alerts.yml"), "- alert:") + strings.Count(read(t, "deploy/prometheus/alerts.yml"), "- record:"); got != want || want == 0 {
		t.Errorf("%d rules, deploy/prometheus/alerts.yml has %d", got, want)
	}
}
