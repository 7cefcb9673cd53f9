use super::{Arrival, Claimant, Queue, Rank, RunId, Standing, Strategy, Ticket, admit, arrive};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

fn run(number: u64) -> RunId {
    RunId(uuid::Uuid::from_u128(u128::from(number)))
}

fn claimant(ticket: u64, limit: u32) -> Claimant {
    let standing = Standing { limit, ..Standing::default() };
    Claimant { ticket: Ticket(ticket), run: run(ticket), standing }
}

fn child(ticket: u64, of: u64) -> Claimant {
    let standing = Standing { family: vec![run(of)], ..Standing::default() };
    Claimant { ticket: Ticket(ticket), run: run(ticket), standing }
}

fn rollback(ticket: u64) -> Claimant {
    let standing = Standing { rank: Rank::Rollback, ..Standing::default() };
    Claimant { ticket: Ticket(ticket), run: run(ticket), standing }
}

fn claimants(tickets: std::ops::Range<u64>, limit: u32) -> Vec<Claimant> {
    tickets.map(|ticket| claimant(ticket, limit)).collect()
}

fn runs(claimants: &[Claimant]) -> Vec<u64> {
    claimants.iter().map(|claimant| claimant.ticket.0).collect()
}

proptest! {
    #[test]
    fn a_resource_is_full_or_nobody_waits(holders in 0u64..4, waiters in 0u64..4, limit in 1u32..4) {
        let queue = Queue {
            holders: claimants(0..holders, limit),
            waiters: claimants(10..10 + waiters, limit),
        };
        let admitted = admit(&queue);
        let held = queue.holders.len() + admitted.len();
        prop_assert!(held >= limit as usize || admitted.len() == queue.waiters.len());
        prop_assert!(admitted.is_empty() || held <= limit as usize);
        prop_assert_eq!(&admitted[..], &queue.waiters[..admitted.len()]);
    }
}

#[test]
fn nobody_overtakes_who_asks_for_less_company() {
    let queue =
        Queue { holders: claimants(0..1, 3), waiters: vec![claimant(1, 1), claimant(2, 3)] };
    assert!(admit(&queue).is_empty());
}

#[test]
fn a_child_shares_what_its_parent_holds_and_keeps_it_alone_afterwards() {
    let parent = claimant(1, 1);
    let queue =
        Queue { holders: vec![parent], waiters: vec![claimant(2, 1), child(3, 1), child(4, 9)] };
    assert_eq!(runs(&admit(&queue)), [3]);
    let after = Queue { holders: vec![child(3, 1)], waiters: vec![claimant(2, 1)] };
    assert!(admit(&after).is_empty());
}

#[test]
fn a_rollback_goes_first_and_makes_all_but_rollbacks_give_way() {
    let (first, newcomer) = (claimant(1, 1), rollback(9));
    let waiters = vec![claimant(2, 1), newcomer.clone()];
    let queue = Queue { holders: vec![first], waiters: waiters.clone() };
    let told = Arrival::Waits { told: vec![run(1)] };
    assert_eq!(arrive(&queue, &newcomer, Strategy::Queue), told);
    let free = Queue { holders: Vec::new(), waiters: waiters.clone() };
    assert_eq!(runs(&admit(&free)), [9]);
    let never = Queue { holders: vec![rollback(3)], waiters };
    assert_eq!(arrive(&never, &newcomer, Strategy::Queue), Arrival::Waits { told: Vec::new() });
}

#[test]
fn a_newcomer_to_a_full_group_is_met_as_its_strategy_says() {
    let newcomer = claimant(3, 1);
    let queue =
        Queue { holders: vec![claimant(1, 1)], waiters: vec![claimant(2, 1), newcomer.clone()] };
    let everybody = Arrival::Waits { told: vec![run(1), run(2)] };
    for (strategy, expected) in [
        (Strategy::Queue, Arrival::Waits { told: Vec::new() }),
        (Strategy::Supersede, everybody.clone()),
        (Strategy::CancelRunning, everybody),
        (Strategy::Reject, Arrival::TurnedAway { holders: vec![run(1)] }),
    ] {
        assert_eq!(arrive(&queue, &newcomer, strategy), expected, "{strategy:?}");
    }
    let free = Queue { holders: Vec::new(), waiters: vec![newcomer.clone()] };
    assert_eq!(arrive(&free, &newcomer, Strategy::Reject), Arrival::Admitted);
}
