use super::*;
use crate::transport::TransportErrorKind;
use std::net::Shutdown;
use std::sync::Condvar;

#[test]
fn a_post_arrives_whole_and_its_answer_comes_back() {
    let server = Server::answering(
        &b"HTTP/1.1 201 Created\r\nX-Thing: a\r\ncontent-length: 2\r\nx-thing: b\r\n\r\nok"[..],
    );
    let client = client(&server.url(), |_| {});
    let headers = [("content-type".into(), "application/json".into()), ("x-name".into(), "grün".into())];
    let (answer, phases) = client.send("POST", &Url::parse(&server.url()).unwrap(), &headers, b"{}");
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.truncated), (201, &b"ok"[..], false));
    assert_eq!(answer.header("x-thing"), Some("a"));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "x-thing").count(), 2);
    let seen = server.seen().remove(0);
    assert!(seen.head.starts_with("POST /hook/s3cret-path?key=s3cret-query HTTP/1.1\r\n"), "{}", seen.head);
    for line in [
        format!("host: {}", server.address),
        format!("user-agent: taskbell/{}", crate::VERSION),
        "accept: */*".into(),
        "accept-encoding: gzip".into(),
        "content-length: 2".into(),
        "content-type: application/json".into(),
        "x-name: grün".into(),
    ] {
        assert!(seen.head.lines().any(|found| found == line), "{line} in {}", seen.head);
    }
    assert_eq!(seen.body, b"{}");
    assert!(phases.connect_us > 0 && phases.first_byte_us > 0 && phases.total_us >= phases.first_byte_us);
    assert_eq!((phases.resolve_us, phases.tls_us), (0, 0), "neither a lookup nor a handshake took place");
}

#[test]
fn one_connection_serves_three_posts() {
    let server = Server::answering(OK);
    let client = client(&server.url(), |_| {});
    for n in 0..3 {
        let (answer, phases) = post_timed(&client, &server.url());
        assert_eq!(answer.unwrap().body, b"ok");
        assert_eq!(phases.connect_us > 0, n == 0, "only the first post opens a connection");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_connection_is_not_used_for_another_host() {
    let (first, second) = (Server::answering(OK), Server::answering(OK));
    let client = client(&first.url(), |_| {});
    for server in [&first, &second, &second, &first] {
        post_timed(&client, &server.url()).0.unwrap();
    }
    assert_eq!((first.seen().len(), second.seen().len()), (2, 2));
    assert_eq!(second.connections(), 1, "to the same host it is used again");
}

#[test]
fn threads_share_a_client_without_mixing_their_answers() {
    let server = Server::scripted(|_, stream| {
        let mut reader = reader_of(stream);
        while let Some(seen) = take_request(&mut reader) {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", seen.body.len());
            stream.write_all(&[head.as_bytes(), &seen.body].concat()).unwrap();
        }
    });
    let client = client(&server.url(), |_| {});
    let url = Url::parse(&server.url()).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (client, url) = (&client, &url);
            scope.spawn(move || {
                for n in 0..50 {
                    let body = format!("{thread}-{n}-{}", "x".repeat(n * 997));
                    assert_eq!(
                        client.send("POST", url, &[], body.as_bytes()).0.unwrap().body,
                        body.as_bytes()
                    );
                }
            });
        }
    });
}

#[test]
fn a_large_body_arrives_whole() {
    let server = Server::answering(OK);
    let client = client(&server.url(), |_| {});
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    client.send("POST", &server.parsed(), &[], &body).0.unwrap();
    assert!(server.seen()[0].body == body);
    client.send("POST", &server.parsed(), &[], b"").0.unwrap();
    assert!(server.seen()[1].body.is_empty() && server.seen()[1].head.contains("content-length: 0\r\n"));
    assert_eq!(server.connections(), 1);
}

#[test]
fn head_and_body_leave_in_one_write() {
    let server = Server::scripted(|_, stream| {
        let mut first = [0; 4096];
        let amount = stream.read(&mut first).unwrap();
        let whole = first[..amount].ends_with(b"{\"hello\":1}");
        let status = if whole { "200" } else { "500" };
        stream.write_all(format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n").as_bytes()).unwrap();
        hang(stream);
    });
    assert_eq!(post(&client(&server.url(), |_| {}), &server.url()).unwrap().status, 200);
}

#[test]
fn a_stale_connection_is_replaced_without_an_error() {
    // The second request on the first connection is met by a reset; the first on the next is answered.
    let server = Server::scripted(|_, stream| {
        let mut reader = reader_of(stream);
        take_request(&mut reader).unwrap();
        stream.write_all(OK).unwrap();
        take_request(&mut reader);
        stream.shutdown(Shutdown::Both).ok();
    });
    let client = client(&server.url(), |_| {});
    post(&client, &server.url()).unwrap();
    let (answer, phases) = post_timed(&client, &server.url());
    assert_eq!(answer.unwrap().status, 200);
    assert!(phases.connect_us > 0);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_second_try_uses_no_other_connection_of_the_pool() {
    let server = Server::scripted(|number, stream| {
        let mut reader = reader_of(stream);
        take_request(&mut reader).unwrap();
        if number < 2 {
            // Answered only once both are open, so that the pool comes to hold two connections.
            let (open, both) = &TWO_OPEN;
            let mut open = open.lock().unwrap();
            *open += 1;
            both.notify_all();
            drop(both.wait_while(open, |open| *open < 2).unwrap());
        }
        stream.write_all(OK).unwrap();
        take_request(&mut reader);
        stream.shutdown(Shutdown::Both).ok();
    });
    let client = client(&server.url(), |_| {});
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| post(&client, &server.url()).unwrap());
        }
    });
    assert_eq!(server.connections(), 2);
    assert_eq!(post(&client, &server.url()).unwrap().status, 200);
    assert_eq!(server.connections(), 3);
}

/// How many connections of the test above are open.
static TWO_OPEN: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

#[test]
fn a_connection_closed_while_idle_is_not_used_again() {
    let server = Server::scripted(|_, stream| {
        take_request(&mut reader_of(stream)).unwrap();
        stream.write_all(OK).unwrap();
    });
    let client = client(&server.url(), |_| {});
    for _ in 0..3 {
        assert_eq!(post(&client, &server.url()).unwrap().status, 200);
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_reset_on_a_new_connection_is_an_error_and_not_retried() {
    let server = Server::scripted(|_, stream| {
        take_request(&mut reader_of(stream)).unwrap();
        stream.shutdown(Shutdown::Both).ok();
    });
    let error = post(&client(&server.url(), |_| {}), &server.url()).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Broken);
    assert!(error.reason.contains("before it answered"), "{error}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_refused_connection_says_so_without_the_secret_parts_of_the_url() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let url = format!("http://user:s3cret-word@{free}/s3cret-path?s3cret-query");
    let error = post(&client(&url, |_| {}), &url).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(error.reason.contains(&free.to_string()) && !error.reason.contains("s3cret"), "{error}");
}

#[test]
fn credentials_of_the_url_become_a_header() {
    let server = Server::answering(OK);
    let url = format!("http://us%40er:pass@{}/", server.address);
    post(&client(&url, |_| {}), &url).unwrap();
    let head = server.seen()[0].head.clone();
    assert!(head.contains("authorization: Basic dXNAZXI6cGFzcw==\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", server.address)), "{head}");
}

#[test]
fn every_form_of_a_body_is_read() {
    let forms: [(&[u8], &[u8]); 6] = [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: u\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", b"x"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", b"x"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 3\r\n\r\nbad", b"bad"),
        (b"HTTP/1.0 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\ny", b"y"),
    ];
    for (answer, body) in forms {
        let server = Server::answering(answer);
        let client = client(&server.url(), |_| {});
        for _ in 0..2 {
            let read = post(&client, &server.url()).unwrap();
            assert_eq!((read.body.as_slice(), read.truncated), (body, false), "{}", answer.escape_ascii());
        }
    }
}

#[test]
fn an_answer_in_pieces_is_read_and_its_connection_used_again_whatever_its_form() {
    let forms: [&[&[u8]]; 4] = [
        &[b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", b"ab", b"cde"],
        &[b"HTTP/1.1 200", b" OK\r\ncontent-len", b"gth: 5\r\n\r\nabcde"],
        &[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab", b"c\r\n2\r\nde\r\n0\r\n\r\n"],
        &[b"HTTP/1.1 103 Early\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", b"de"],
    ];
    for pieces in forms {
        let server = Server::scripted(move |_, stream| {
            stream.set_nodelay(true).unwrap();
            let mut reader = reader_of(stream);
            while take_request(&mut reader).is_some() {
                for piece in pieces {
                    stream.write_all(piece).unwrap();
                    thread::sleep(Duration::from_millis(5));
                }
            }
        });
        let client = client(&server.url(), |_| {});
        for _ in 0..3 {
            assert_eq!(post(&client, &server.url()).unwrap().body, b"abcde");
        }
        assert_eq!(server.connections(), 1, "{}", pieces[0].escape_ascii());
    }
}

#[test]
fn a_body_that_ends_with_the_connection_is_read() {
    let server = Server::scripted(|_, stream| {
        take_request(&mut reader_of(stream)).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nuntil the end").unwrap();
    });
    assert_eq!(post(&client(&server.url(), |_| {}), &server.url()).unwrap().body, b"until the end");
}

#[test]
fn shutdown_breaks_a_hung_request_and_refuses_new_ones() {
    let server = Server::scripted(|_, stream| hang(stream));
    let client = Arc::new(client(&server.url(), |_| {}));
    let hung = {
        let (client, url) = (Arc::clone(&client), server.url());
        thread::spawn(move || post(&client, &url))
    };
    wait_until("the request was never sent", || server.connections() == 1);
    let start = Instant::now();
    client.shutdown();
    let error = hung.join().unwrap().unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Cancelled);
    assert!(start.elapsed() < GENEROUS / 10, "{:?}", start.elapsed());
    assert_eq!(post(&client, &server.url()).unwrap_err().kind, TransportErrorKind::Cancelled);
    assert_eq!(server.connections(), 1);
}

#[test]
fn shutdown_breaks_a_hung_body_that_ends_with_the_connection() {
    let server = Server::scripted(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf a").unwrap();
        hang(stream);
    });
    let client = Arc::new(client(&server.url(), |_| {}));
    let hung = {
        let (client, url) = (Arc::clone(&client), server.url());
        thread::spawn(move || post(&client, &url))
    };
    wait_until("the request was never sent", || server.connections() == 1);
    client.shutdown();
    assert_eq!(hung.join().unwrap().unwrap_err().kind, TransportErrorKind::Cancelled);
}

#[test]
fn a_header_that_http_does_not_allow_is_refused_without_its_value() {
    let client = client("http://127.0.0.1:9/", |_| {});
    let url = Url::parse("http://127.0.0.1:9/").unwrap();
    for (name, value) in [("x-token", "s3cret\r\nx-evil: 1"), ("x y", "s3cret")] {
        let error = client.send("POST", &url, &[(name.into(), value.into())], b"").0.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Refused);
        assert!(error.reason.contains(name) && !error.reason.contains("s3cret"), "{error}");
    }
    let error = client.send("POST", &Url::parse("ftp://127.0.0.1/").unwrap(), &[], b"").0.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Refused);
}

#[test]
fn headers_of_the_connection_cannot_be_given() {
    let server = Server::answering(OK);
    let client = client(&server.url(), |_| {});
    let given = ["content-length", "transfer-encoding", "connection", "expect"];
    let headers: Vec<_> = given.iter().map(|name| ((*name).into(), "s3cret".into())).collect();
    client.send("POST", &Url::parse(&server.url()).unwrap(), &headers, b"x").0.unwrap();
    let head = server.seen()[0].head.clone();
    assert!(!head.contains("s3cret\r\n") && head.contains("content-length: 1\r\n"), "{head}");
}
