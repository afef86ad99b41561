//! Who is let in: limits, PROXY headers, the server's stop, and sockets that can't be had.

use super::*;

use std::sync::atomic::Ordering;

use super::encryption;

#[test]
fn too_many_from_one_address_are_told_so() {
    run(async {
        let limits = Limits { total: 100, per_address: 2, handshakes: 100 };
        let world = World::start(Plan { limits, ..Plan::default() }).await;
        let first = world.greeted().await;
        let _second = world.greeted().await;
        let said = world.connect().await.rest().await;
        assert!(
            said.starts_with("-ERR [SYS/TEMP] There are 2 connections") && said.ends_with("\r\n"),
            "{said}"
        );
        drop(first);
        while world.connections.count() > 1 {
            tokio::task::yield_now().await;
        }
        world.greeted().await;
    });
}

#[test]
fn too_many_in_all_are_told_so_under_tls_too() {
    run(async {
        let (_dir, tls) = encryption::tls();
        let limits = Limits { total: 1, per_address: 100, handshakes: 100 };
        let world =
            World::start(Plan { limits, tls: Some(tls), implicit_tls: true, ..Plan::default() }).await;
        let mut first = encryption::connect(&world).await;
        first.expect("hello\r\n").await;
        let said = encryption::connect(&world).await.rest().await;
        assert!(said.starts_with("-ERR [SYS/TEMP] The server has"), "{said}");
    });
}

#[test]
fn handshakes_that_only_hold_a_place_keep_nobody_out() {
    run(async {
        let (_dir, tls) = encryption::tls();
        let limits = Limits { total: 100, per_address: 100, handshakes: 1 };
        let world =
            World::start(Plan { limits, tls: Some(tls), implicit_tls: true, ..Plan::default() }).await;
        let mut silent = world.connect().await;
        while world.connections.count() == 0 {
            tokio::task::yield_now().await;
        }
        let mut client = encryption::connect(&world).await;
        client.expect("hello\r\n").await;
        assert_eq!(silent.rest().await, "", "closed to make room");
    });
}

fn behind_a_balancer() -> Plan {
    Plan { proxies: vec!["127.0.0.0/8".parse().expect("a network")], ..Plan::default() }
}

#[test]
fn a_trusted_header_says_who_the_client_is() {
    run(async {
        let world = World::start(behind_a_balancer()).await;
        let mut client = world.connect().await;
        client.say("PROXY TCP4 192.0.2.7 198.51.100.1 4000 995\r\nwho\r\n").await;
        client.expect("hello\r\n192.0.2.7 995\r\n").await;

        let mut client = world.connect().await;
        client.0.write_all(b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24").await.expect("written");
        client.0.write_all(&[0; 15]).await.expect("written");
        client.0.write_all(&[1]).await.expect("written");
        client.0.write_all(&[0; 16]).await.expect("written");
        client.0.write_all(&[0, 9, 0, 110]).await.expect("written");
        client.expect("hello\r\n").await;
        client.say("who\r\n").await;
        client.expect("::1 110\r\n").await;

        let mut client = world.connect().await;
        client.say("PROXY UNKNOWN\r\nwho\r\n").await;
        client.expect(&format!("hello\r\n127.0.0.1 {}\r\n", world.address.port())).await;
    });
}

#[test]
fn the_client_behind_a_balancer_is_what_is_counted() {
    run(async {
        let limits = Limits { total: 100, per_address: 1, handshakes: 100 };
        let world = World::start(Plan { limits, ..behind_a_balancer() }).await;
        let mut kept = Vec::new();
        for (client, answer) in [("192.0.2.1", "hello"), ("192.0.2.2", "hello"), ("192.0.2.1", "-ERR")] {
            let mut connection = world.connect().await;
            connection.say(&format!("PROXY TCP4 {client} 198.51.100.1 4000 995\r\n")).await;
            connection.expect(answer).await;
            kept.push(connection);
        }
    });
}

#[test]
fn a_header_may_come_before_tls() {
    run(async {
        let (_dir, tls) = encryption::tls();
        let world = World::start(Plan { tls: Some(tls), implicit_tls: true, ..behind_a_balancer() }).await;
        let mut client = world.connect().await;
        client.say("PROXY TCP4 192.0.2.7 198.51.100.1 4000 995\r\n").await;
        let mut client = encryption::shake_hands(client.0).await;
        client.say("who\r\n").await;
        client.expect("hello\r\n192.0.2.7 995\r\n").await;
    });
}

#[test]
fn a_balancer_that_sends_no_header_is_not_served() {
    run(async {
        let world = World::start(behind_a_balancer()).await;
        let mut client = world.connect().await;
        client.say("echo I am the balancer\r\n").await;
        assert_eq!(client.rest().await, "");

        let mut silent = world.connect().await;
        while world.connections.count() == 0 {
            tokio::task::yield_now().await;
        }
        world.advance_until_empty(Duration::from_secs(31)).await;
        assert_eq!(silent.rest().await, "");
    });
}

#[test]
fn a_header_from_elsewhere_is_garbage() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("PROXY TCP4 192.0.2.7 198.51.100.1 4000 995\r\nwho\r\n").await;
        client.expect(&format!("what?\r\n127.0.0.1 {}\r\n", world.address.port())).await;
    });
}

#[test]
fn a_stop_is_told_to_all_and_waited_for() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut idle = world.greeted().await;
        let mut busy = world.greeted().await;
        busy.say("linger\r\n").await;
        while world.traces.lingering.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!world.listeners.stop(Duration::from_millis(50)).await, "one is still busy");
        assert_eq!(idle.rest().await, "told Stopping\r\n");
        world.traces.release.notify_one();
        assert_eq!(busy.rest().await, "released\r\ntold Stopping\r\n");
        assert!(world.listeners.stop(PATIENCE).await);
        // The listening socket itself is closed with the last handle of it.
        assert!(TcpStream::connect(world.address).await.is_err(), "nobody listens any more");
    });
}

#[test]
fn a_stop_does_not_wait_for_handshakes() {
    run(async {
        let (_dir, tls) = encryption::tls();
        let world = World::start(Plan { tls: Some(tls), implicit_tls: true, ..Plan::default() }).await;
        let mut silent = world.connect().await;
        while world.connections.count() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(world.listeners.stop(PATIENCE).await);
        assert_eq!(silent.rest().await, "");
    });
}

#[test]
fn a_port_that_is_taken_is_named_with_variable_and_cure() {
    let none = &mut Inherited::default();
    let any = "127.0.0.1:0".parse().expect("an address");
    let first = bind("POSTERN_LISTEN_POP3S", any, none).expect("a free port");
    let taken = first.local_addr().expect("its address");
    let error = bind("POSTERN_LISTEN_POP3S", taken, none).expect_err("it is taken").to_string();
    for word in ["POSTERN_LISTEN_POP3S", &taken.to_string(), "in use", "stop the program"] {
        assert!(error.contains(word), "{error}");
    }
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn an_inherited_socket_is_used_for_its_port() {
    let any = "127.0.0.1:0".parse().expect("an address");
    let socket = bind("POSTERN_LISTEN_POP3", any, &mut Inherited::default()).expect("a free port");
    let address = socket.local_addr().expect("its address");
    let mut inherited = Inherited::from_sockets(vec![socket]).expect("an address");
    assert_eq!(inherited.unclaimed(), [address]);
    let everywhere = SocketAddr::new("0.0.0.0".parse().expect("an address"), address.port());
    let taken = bind("POSTERN_LISTEN_POP3", everywhere, &mut inherited).expect("the inherited one");
    assert_eq!(taken.local_addr().expect("its address"), address);
    assert!(inherited.unclaimed().is_empty());
}
