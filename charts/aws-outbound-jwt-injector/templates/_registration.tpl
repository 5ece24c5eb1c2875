{{/* What every entry of the registrations shares. Called with the root and the path. */}}
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
    admissionReviewVersions: [v1]
    matchPolicy: Equivalent
    sideEffects: None
{{- end }}

{{/* What the entries of pods share. Called with the root and the path. */}}
{{- define "injector.podWebhook" }}
    {{- include "injector.webhook" . }}
    rules:
      - operations: [CREATE]
        apiGroups: ['']
        apiVersions: [v1]
        resources: [pods]
        scope: Namespaced
    # Whoever changes the pod after us may drop what we added; we see it again.
    reinvocationPolicy: IfNeeded
    timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
{{- end }}

{{/* What the entries of workloads share. Called with the root and the path. */}}
{{- define "injector.workloadWebhook" }}
    {{- include "injector.webhook" . }}
    rules:
      - operations: [CREATE, UPDATE]
        apiGroups: [apps]
        apiVersions: [v1]
        resources: [deployments, statefulsets, daemonsets, replicasets]
        scope: Namespaced
      - operations: [CREATE, UPDATE]
        apiGroups: [batch]
        apiVersions: [v1]
        resources: [jobs, cronjobs]
        scope: Namespaced
    # A warning is not worth more waiting.
    failurePolicy: Ignore
    timeoutSeconds: 2
{{- end }}

{{/* Shared by the entries of workloads: a controller that makes one from another reads no warnings. */}}
{{- define "injector.unlessOwned" -}}
- name: not-owned
  expression: "!object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false))"
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

{{/* Shared by both entries of pods. */}}
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
