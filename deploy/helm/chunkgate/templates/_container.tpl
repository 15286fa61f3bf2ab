{{/* What the server and the doctor's test have in common. */}}

{{- define "chunkgate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "chunkgate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Kubernetes replaces $(REDIS_PASSWORD) only by what stands before it. */}}
{{- define "chunkgate.env" -}}
- name: CHUNKGATE_LISTEN
  value: ":8080"
- name: CHUNKGATE_ADMIN_LISTEN
  value: ":9090"
- name: CHUNKGATE_SHUTDOWN_TIMEOUT
  value: {{ printf "%ds" (int .Values.shutdown.timeoutSeconds) | quote }}
{{- with .Values.tokens.existingSecret }}
- name: CHUNKGATE_TOKENS_FILE
  value: /etc/chunkgate/tokens/tokens
{{- end }}
{{- with .Values.redis.passwordSecret }}
{{- if .name }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}
{{- end }}
- name: CHUNKGATE_REDIS_URL
{{- if .Values.redis.urlSecret.name }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.urlSecret.name }}
      key: {{ .Values.redis.urlSecret.key }}
{{- else }}
  value: {{ required "redis.url or redis.urlSecret.name must be set" .Values.redis.url | quote }}
{{- end }}
{{- with .Values.s3 }}
{{- if .region }}
- name: AWS_REGION
  value: {{ .region | quote }}
{{- end }}
{{- if .existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .accessKeyIdKey }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .secretAccessKeyKey }}
{{- end }}
{{- end }}
{{- if .Values.tls.existingSecret }}
- name: CHUNKGATE_TLS_CERT
  value: /etc/chunkgate/tls/tls.crt
- name: CHUNKGATE_TLS_KEY
  value: /etc/chunkgate/tls/tls.key
{{- end }}
{{- $_ := required "settings.CHUNKGATE_S3_BUCKET must name the bucket" .Values.settings.CHUNKGATE_S3_BUCKET }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "chunkgate.volumeMounts" -}}
{{- if .Values.tokens.existingSecret }}
- name: tokens
  mountPath: /etc/chunkgate/tokens
  readOnly: true
{{- end }}
{{- if .Values.tls.existingSecret }}
- name: tls
  mountPath: /etc/chunkgate/tls
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "chunkgate.volumes" -}}
{{- if .Values.tokens.existingSecret }}
- name: tokens
  secret:
    secretName: {{ .Values.tokens.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ .Values.tokens.key }}
        path: tokens
{{- end }}
{{- if .Values.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ .Values.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
