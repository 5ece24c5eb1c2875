{{/* Whether a pod carries our sidecar, whatever its annotations say. Another container of that name, as written by hand for standalone mode, is not ours. */}}
{{- define "injector.isInjected" -}}
object.spec.?initContainers.orValue([]).exists(container, container.name == 'aws-outbound-jwt-proxy' && container.?env.orValue([]).exists(variable, variable.name in {{ include "injector.injectionMarks" . }}))
{{- end }}

{{/* Whether `container`, which is not ours, mounts a volume that is. */}}
{{- define "injector.mountsOurs" -}}
container.?volumeMounts.orValue([]).exists(mount, mount.name.startsWith({{ include "injector.volumePrefix" . }}) && !(mount.name in {{ include "injector.sharedVolumes" . }} && mount.?readOnly.orValue(false)))
{{- end }}

{{/* Names of sidecar.extraEnv as a list in CEL; the schema lets nothing through that would need escaping. */}}
{{- define "injector.operatorVariables" -}}
[{{ range $index, $name := .Values.sidecar.extraEnv | default dict | keys | sortAlpha }}{{ if $index }}, {{ end }}'{{ $name }}'{{ end }}]
{{- end }}

{{- define "injector.guardedNamespaces" }}
  {{- with .Values.guard.namespaceSelector }}
  matchResources:
    namespaceSelector:
      {{- toYaml . | nindent 6 }}
  {{- end }}
{{- end }}
