module github.com/taskbell/taskbell/bindings/go

go 1.19
