//! What a driver does for its session once the connection stands.

use super::*;

use postern_actors::order::Tell;
use std::sync::atomic::Ordering;

#[test]
fn pipelined_commands_are_answered_in_order_and_in_one_piece() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("echo a\r\nask b\r\necho c\r\nask d\r\necho e").await;
        let mut piece = [0; 100];
        let octets = client.0.read(&mut piece).await.expect("answers");
        assert_eq!(String::from_utf8_lossy(&piece[..octets]), "a\r\nb\r\nc\r\nd\r\n");
        client.say("nd\r\nquit\r\necho never\r\n").await;
        assert_eq!(client.rest().await, "end\r\nbye\r\n");
        world.empty().await;
    });
}

#[test]
fn a_session_may_stop_to_have_its_answers_written() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say(&format!("{}quit\r\n", "flood 1000000\r\n".repeat(20))).await;
        let rest = client.rest().await;
        assert_eq!(rest.len(), 20_000_000 + "bye\r\n".len());
        assert!(rest.ends_with(".bye\r\n"));
    });
}

#[test]
fn a_letter_is_streamed_and_may_be_cut_short() {
    run(async {
        let mut letter = vec![b'x'; 2_000_000];
        letter.extend_from_slice(b"end");
        let world = World::start(Plan { letter: Some(letter), ..Plan::default() }).await;
        let mut client = world.greeted().await;
        client.say("send\r\necho after\r\nquit\r\n").await;
        let rest = client.rest().await;
        assert_eq!(rest.trim_start_matches('x'), "endsent\r\nafter\r\nbye\r\n");
        assert_eq!(rest.matches('x').count(), 2_000_000);

        let mut client = world.greeted().await;
        client.say("peek\r\necho after\r\nquit\r\n").await;
        let rest = client.rest().await;
        assert_eq!(rest.trim_start_matches('x'), "sent\r\nafter\r\nbye\r\n");
        assert!(rest.matches('x').count() < 2_000_000);

        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("send\r\n").await;
        client.expect("failed\r\n").await;
    });
}

#[test]
fn what_is_told_reaches_an_idle_session() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("inbox\r\n").await;
        client.expect("noted\r\n").await;
        let inbox = world.traces.inbox.lock().expect("unpoisoned").clone().expect("an inbox");
        inbox.do_send(Tell::TakenOver);
        client.expect("told TakenOver\r\n").await;
        for _ in 0..100 {
            inbox.do_send(Tell::TakenOver);
        }
        client.expect(&"told TakenOver\r\n".repeat(8)).await;
        client.say("quit\r\n").await;
        assert_eq!(client.rest().await, "bye\r\n", "what is kept is bounded");
    });
}

#[test]
fn an_answer_comes_before_what_was_told_meanwhile() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("inbox\r\nlinger\r\necho last\r\n").await;
        let inbox = loop {
            if let Some(inbox) = world.traces.inbox.lock().expect("unpoisoned").clone() {
                break inbox;
            }
            tokio::task::yield_now().await;
        };
        // However much news there is, it takes no room from what ends the session.
        for _ in 0..100 {
            inbox.send(Tell::News).await.expect("told");
        }
        inbox.send(Tell::TakenOver).await.expect("told");
        world.traces.release.notify_one();
        client.expect("noted\r\nreleased\r\ntold News\r\ntold TakenOver\r\nlast\r\n").await;
    });
}

#[test]
fn silence_ends_a_session_by_its_own_deadline() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        for _ in 0..5 {
            world.clock.advance(Duration::from_secs(599));
            client.say("echo here\r\n").await;
            client.expect("here\r\n").await;
        }
        world.clock.advance(Duration::from_secs(600));
        assert_eq!(client.rest().await, "expired after 3595\r\n");
    });
}

#[test]
fn a_byte_that_came_in_is_no_silence() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        world.clock.advance(Duration::from_secs(599));
        client.say("hush\r\n").await;
        while world.traces.heard.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        world.clock.advance(Duration::from_secs(599));
        client.say("echo here\r\n").await;
        client.expect("here\r\n").await;
    });
}

#[test]
fn talking_does_not_put_off_a_deadline_that_is_fixed() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        world.clock.advance(Duration::from_secs(3_600));
        client.say("echo I am here\r\necho still\r\n").await;
        assert!(client.rest().await.ends_with("expired after 3600\r\n"));
    });
}

#[test]
fn a_client_that_takes_nothing_is_dropped() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("flood 100000000\r\n").await;
        client.expect("..........").await;
        assert_eq!(world.traces.alive.load(Ordering::SeqCst), 1);
        world.advance_until_empty(Duration::from_secs(181)).await;
        assert_eq!(world.traces.alive.load(Ordering::SeqCst), 0);
        assert!(client.rest().await.len() < 100_000_000 - 10);
    });
}

#[test]
fn a_connection_that_ends_or_breaks_ends_its_session() {
    run(async {
        let world = World::start(Plan::default()).await;
        let client = world.greeted().await;
        assert_eq!(world.connections.count(), 1);
        drop(client);
        world.empty().await;
        let client = world.greeted().await;
        client.0.set_zero_linger().expect("set");
        drop(client);
        world.empty().await;
        assert_eq!(world.traces.alive.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_panic_ends_its_own_session_alone() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut bystander = world.greeted().await;
        let mut client = world.greeted().await;
        client.say("echo a\r\npanic on purpose, in a test\r\n").await;
        assert_eq!(client.rest().await, "");
        bystander.say("echo still here\r\n").await;
        bystander.expect("still here\r\n").await;
        assert_eq!(world.traces.alive.load(Ordering::SeqCst), 1);
        assert_eq!(world.connections.count(), 1);
        world.greeted().await;
    });
}

#[test]
fn a_letter_that_comes_in_is_spooled_before_it_is_asked_about() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("seal\r\nbody abc\r\nbody def\r\nseal\r\nseal\r\n").await;
        client.expect("nothing\r\nsealed\r\nnothing\r\n").await;
    });
}
