module github.com/taskbell/taskbell/bindings/go

go 1.19

require github.com/ebitengine/purego v0.9.1
