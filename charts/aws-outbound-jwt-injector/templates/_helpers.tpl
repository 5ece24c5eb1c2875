{{/* One per cluster: the registration is named after the product, so everything is. */}}
{{- define "injector.name" -}}aws-outbound-jwt-injector{{- end -}}

{{/* SECURITY: selectors never change; an upgrade could not replace the Deployment. */}}
{{- define "injector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "injector.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "injector.labels" -}}
{{ include "injector.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end -}}

{{/* Called with the image's values and the chart's appVersion: registry/repository, then digest or tag. */}}
{{- define "injector.image" -}}
{{- $name := list .image.registry .image.repository | compact | join "/" -}}
{{- if .image.digest -}}{{ $name }}@{{ .image.digest }}
{{- else -}}{{ $name }}:{{ .image.tag | default .appVersion }}
{{- end -}}
{{- end -}}

{{/* The host the API server calls. */}}
{{- define "injector.host" -}}{{ include "injector.name" . }}.{{ .Release.Namespace }}.svc{{- end -}}

{{- define "injector.isSelfCertified" -}}
{{- if eq .Values.certificate.mode "self" }}true{{ end -}}
{{- end -}}

{{/* Secret with the files of the other two modes. */}}
{{- define "injector.tlsSecret" -}}
{{- if eq .Values.certificate.mode "secret" -}}{{ .Values.certificate.secretName }}
{{- else -}}{{ include "injector.name" . }}-tls
{{- end -}}
{{- end -}}

{{/* What values.schema.json cannot say. */}}
{{- define "injector.validate" -}}
{{- if eq .Values.certificate.mode "secret" -}}
{{- if not .Values.certificate.secretName -}}
{{- fail "certificate.secretName: a value, because certificate.mode is secret: the name of a Secret of type kubernetes.io/tls" -}}
{{- end -}}
{{- if not (contains "-----BEGIN CERTIFICATE-----" .Values.certificate.caBundle) -}}
{{- fail "certificate.caBundle: PEM text that begins with -----BEGIN CERTIFICATE-----, because certificate.mode is secret: --set-file certificate.caBundle=ca.crt" -}}
{{- end -}}
{{- end -}}
{{- if eq (int .Values.webhook.port) (int .Values.webhook.adminPort) -}}
{{- fail "webhook.adminPort: another port than webhook.port" -}}
{{- end -}}
{{- end -}}

{{/* A map as JSON in a variable; the kubelet expands $(NAME) and takes $$ for $. */}}
{{- define "injector.literal" -}}
{{ . | default dict | toJson | replace "$" "$$" | quote }}
{{- end -}}

{{/* Metadata of an object that exists only during `helm test`. Called with the weight. */}}
{{- define "injector.testHook" -}}
annotations:
  helm.sh/hook: test
  helm.sh/hook-weight: {{ . | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
