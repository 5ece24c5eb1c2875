{{/* What both entries of the registration share. Called with the root and the path. */}}
{{- define "injector.webhook" }}
    {{- $ := .root }}
    clientConfig:
      service:
        name: {{ include "injector.name" $ }}
        namespace: {{ $.Release.Namespace }}
        path: {{ .path }}
        port: 443
      {{- if eq $.Values.certificate.mode "secret" }}
      caBundle: {{ $.Values.certificate.caBundle | b64enc }}
      {{- end }}
    rules:
      - operations: [CREATE]
        apiGroups: ['']
        apiVersions: [v1]
        resources: [pods]
        scope: Namespaced
    admissionReviewVersions: [v1]
    matchPolicy: Equivalent
    sideEffects: None
    # Whoever changes the pod after us may drop what we added; we see it again.
    reinvocationPolicy: IfNeeded
    timeoutSeconds: {{ $.Values.webhook.timeoutSeconds }}
{{- end }}

{{- define "injector.namespaces" }}
    namespaceSelector:
      {{- with .Values.webhook.namespaceSelector.matchLabels }}
      matchLabels:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      matchExpressions:
        # Never the cluster's own namespaces, nor ours: a webhook must not wait for itself.
        - key: kubernetes.io/metadata.name
          operator: NotIn
          values: [kube-node-lease, kube-public, kube-system, {{ .Release.Namespace }}]
        {{- with .Values.webhook.namespaceSelector.matchExpressions }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}

{{/* Shared by both entries. */}}
{{- define "injector.unlessOptedOut" -}}
- name: not-opted-out
  expression: "!(object.metadata.?annotations[?'outbound-jwt.io/inject'].orValue('') in ['false', 'disabled'])"
{{ include "injector.unlessMirrored" . }}
{{- end }}

{{/* Shared by the registration and the guard. */}}
{{- define "injector.unlessMirrored" -}}
# Static pods, which nobody can change.
- name: not-mirrored
  expression: "!object.metadata.?annotations[?'kubernetes.io/config.mirror'].hasValue()"
{{- end }}
