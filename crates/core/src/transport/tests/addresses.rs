use super::*;
use crate::transport::TransportErrorKind;
use std::sync::mpsc;

fn refusal(url: &str, reach: Reach, lookup: &Arc<LookupFn>) -> TransportError {
    let client = Client::with(&endpoint(url), reach, Arc::clone(lookup), &|_| None).unwrap();
    let error = post(&client, url).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Refused, "{url}: {error}");
    error
}

#[test]
fn metadata_is_refused_however_the_address_is_written() {
    let lookup = everywhere(&["8.8.8.8"]);
    for host in "\
        169.254.169.254 [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [64:ff9b::169.254.169.254] 2852039166 \
        0xa9fea9fe 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 169.254.43518 0 [::] [fe80::1] \
        metadata.google.internal METADATA.google.internal."
        .split_whitespace()
    {
        let error = refusal(&format!("http://{host}/latest/s3cret"), Reach::Configured, &lookup);
        assert!(!error.reason.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_name_is_refused_for_what_it_resolves_to_and_the_address_is_named() {
    let error =
        refusal("http://rebind.test:8080/", Reach::Configured, &everywhere(&["169.254.169.254", "fe80::1"]));
    assert!(error.reason.contains("rebind.test:8080") && error.reason.contains("169.254.169.254"), "{error}");
    let error = refusal("http://lan.test/", Reach::Public, &everywhere(&["192.168.1.5"]));
    assert!(error.reason.contains("192.168.1.5"), "{error}");
}

#[test]
fn forbidden_addresses_of_a_name_are_dropped_and_the_next_is_dialled() {
    let server = Server::answering(OK);
    let url = format!("http://mixed.test:{}/", server.address.port());
    let lookup = everywhere(&["169.254.169.254", "127.0.0.1"]);
    let client = resolving(&url, lookup);
    let (answer, phases) = post_timed(&client, &url);
    assert_eq!(answer.unwrap().status, 200);
    assert!(phases.resolve_us > 0);
}

#[test]
fn the_next_address_is_tried_when_one_refuses() {
    let server = Server::answering(OK);
    let url = format!("http://two.test:{}/", server.address.port());
    let lookup = everywhere(&["127.0.0.2", "127.0.0.1"]);
    let client = resolving(&url, lookup);
    assert_eq!(post(&client, &url).unwrap().status, 200);
}

#[test]
fn localhost_is_for_configured_endpoints_only() {
    let server = Server::answering(OK);
    let url = format!("http://localhost:{}/", server.address.port());
    assert_eq!(post(&client(&url, |_| {}), &url).unwrap().status, 200);
    let public = Client::new(&endpoint(&url), Reach::Public).unwrap();
    assert_eq!(post(&public, &url).unwrap_err().kind, TransportErrorKind::Refused);
    for host in ["127.0.0.1", "[::1]", "10.0.0.1", "[fd00::1]"] {
        let error = post(&public, &format!("http://{host}/")).unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Refused, "{error}");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn the_error_for_a_name_that_does_not_exist_names_it() {
    let lookup: Arc<LookupFn> = Arc::new(|_: &str| Err(std::io::Error::other("no such name")));
    let url = "https://nowhere.test/s3cret";
    let client = resolving(url, lookup);
    let error = post(&client, url).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Resolve);
    assert!(error.reason.contains("nowhere.test") && !error.reason.contains("s3cret"), "{error}");
}

/// A lookup that hangs until the sender is dropped.
fn hanging_lookup() -> (mpsc::Sender<()>, Arc<LookupFn>) {
    let (release, held) = mpsc::channel();
    let held = Mutex::new(held);
    let lookup = move |_: &str| {
        drop(held.lock().map(|held| held.recv()));
        Ok(Vec::new())
    };
    (release, Arc::new(lookup))
}

#[test]
fn a_hung_name_server_delays_no_request_past_the_deadline_and_its_threads_are_bounded() {
    let (_release, lookup) = hanging_lookup();
    let url = "http://slow.test/";
    let mut settings = endpoint(url);
    settings.connect_timeout = Duration::from_millis(50);
    let client = Client::with(&settings, Reach::Configured, lookup, &|_| None).unwrap();
    let start = Instant::now();
    for _ in 0..4 {
        let error = post(&client, url).unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Timeout);
        assert!(error.reason.contains("lookup"), "{error}");
    }
    assert_eq!(post(&client, url).unwrap_err().kind, TransportErrorKind::Resolve);
    assert!(start.elapsed() < GENEROUS / 3);
}

#[test]
fn shutdown_does_not_wait_for_a_hung_name_server() {
    let (_release, lookup) = hanging_lookup();
    let url = "http://slow.test/";
    let asked = Arc::new(AtomicBool::new(false));
    let (note, slow) = (Arc::clone(&asked), lookup);
    let noting: Arc<LookupFn> = Arc::new(move |name: &str| {
        note.store(true, Ordering::SeqCst);
        slow(name)
    });
    let client = Arc::new(resolving(url, noting));
    let hung = {
        let client = Arc::clone(&client);
        thread::spawn(move || post(&client, url))
    };
    wait_until("the name was never looked up", || asked.load(Ordering::SeqCst));
    client.shutdown();
    assert_eq!(hung.join().unwrap().unwrap_err().kind, TransportErrorKind::Cancelled);
}
