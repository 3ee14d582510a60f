//! How often somebody may do something that costs us something.
//!
//! Each act has a bucket per user or per address (the generic cell rate algorithm): so many at
//! once, and then so many in a time. What a bucket refuses is not counted.

use std::{
    fmt,
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use gantry_accounts::Session;
use gantry_model::{Clock, ErrorKind, id::OwnedUserId, id::UserId};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as GovernorClock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::keyed::DashMapStateStore,
};

use crate::{Error, Result};

/// After so many checks of a bucket, those who are back at their full allowance are forgotten.
const SWEEP_EVERY: u32 = 1_024;

/// How often an act is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many at once.
    pub burst: NonZeroU32,
    /// And then one in each such time.
    pub period: Duration,
}

impl Rate {
    /// `burst` at once, and then `count` in each `seconds`.
    ///
    /// # Panics
    ///
    /// If a number is zero.
    #[must_use]
    pub fn of(count: u32, seconds: u64, burst: u32) -> Self {
        Self {
            burst: NonZeroU32::new(burst).expect("a rate allows something"),
            period: Duration::from_secs(seconds) / count,
        }
    }
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Logging in and refreshing, per address.
    Login,
    /// Passwords, right or wrong, per account.
    Password,
    /// Registering and asking for names and tokens, per address.
    Register,
    /// Mails that we send for somebody, per address.
    Mail,
    /// Events, per user.
    Send,
    /// Joining and knocking, per user.
    Join,
    /// Invites, per user.
    Invite,
    /// New rooms, per user.
    CreateRoom,
    /// Changes of the profile, per user.
    Profile,
    /// Searches and other questions that cost much, per user.
    Search,
    /// Reports, per user.
    Report,
}

/// How often each act is allowed.
#[derive(Debug, Clone)]
pub struct Rates {
    /// Whether anything is limited at all.
    pub enabled: bool,
    /// [`Act::Login`].
    pub login: Rate,
    /// [`Act::Password`].
    pub password: Rate,
    /// [`Act::Register`].
    pub register: Rate,
    /// [`Act::Mail`].
    pub mail: Rate,
    /// [`Act::Send`].
    pub send: Rate,
    /// [`Act::Join`].
    pub join: Rate,
    /// [`Act::Invite`].
    pub invite: Rate,
    /// [`Act::CreateRoom`].
    pub create_room: Rate,
    /// [`Act::Profile`].
    pub profile: Rate,
    /// [`Act::Search`].
    pub search: Rate,
    /// [`Act::Report`].
    pub report: Rate,
}

impl Default for Rates {
    /// Nothing is limited; what a server begins with stands in its configuration.
    fn default() -> Self {
        let ample = Rate::of(1_000, 1, 1_000);
        Self {
            enabled: false,
            login: ample,
            password: ample,
            register: ample,
            mail: ample,
            send: ample,
            join: ample,
            invite: ample,
            create_room: ample,
            profile: ample,
            search: ample,
            report: ample,
        }
    }
}

/// Time, as governor asks for it.
#[derive(Debug, Clone)]
struct ModelClock(Arc<dyn Clock>);

/// A moment, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(i64);

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        let nanos: Duration = duration.into();
        Self(self.0.saturating_sub(nanos.as_millis() as i64))
    }
}

impl std::ops::Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, duration: Nanos) -> Self {
        let nanos: Duration = duration.into();
        Self(self.0.saturating_add(nanos.as_millis() as i64))
    }
}

impl GovernorClock for ModelClock {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(self.0.now_ms())
    }
}

/// The buckets of one act.
struct Buckets<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, ModelClock, NoOpMiddleware<Moment>>,
    clock: ModelClock,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(rate: Rate, clock: &ModelClock) -> Self {
        let quota = Quota::with_period(rate.period)
            .expect("a rate's time is not zero")
            .allow_burst(rate.burst);
        Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock: clock.clone(),
            checks: AtomicU32::new(0),
        }
    }

    fn check(&self, key: &K) -> Result<()> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let Err(refused) = self.limiter.check_key(key) else {
            return Ok(());
        };
        let wait = refused.wait_time_from(self.clock.now());
        let kind = ErrorKind::RateLimited {
            retry_after_ms: (wait.as_millis() as u64).max(1),
        };
        Err(Error::refused(kind, "Too many requests"))
    }
}

/// Says who has done something too often.
pub struct Limits {
    enabled: bool,
    login: Buckets<IpAddr>,
    register: Buckets<IpAddr>,
    mail: Buckets<IpAddr>,
    password: Buckets<OwnedUserId>,
    send: Buckets<OwnedUserId>,
    join: Buckets<OwnedUserId>,
    invite: Buckets<OwnedUserId>,
    create_room: Buckets<OwnedUserId>,
    profile: Buckets<OwnedUserId>,
    search: Buckets<OwnedUserId>,
    report: Buckets<OwnedUserId>,
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

impl Limits {
    /// Buckets of these sizes, all full.
    pub fn new(rates: &Rates, clock: Arc<dyn Clock>) -> Self {
        let clock = &ModelClock(clock);
        Self {
            enabled: rates.enabled,
            login: Buckets::new(rates.login, clock),
            register: Buckets::new(rates.register, clock),
            mail: Buckets::new(rates.mail, clock),
            password: Buckets::new(rates.password, clock),
            send: Buckets::new(rates.send, clock),
            join: Buckets::new(rates.join, clock),
            invite: Buckets::new(rates.invite, clock),
            create_room: Buckets::new(rates.create_room, clock),
            profile: Buckets::new(rates.profile, clock),
            search: Buckets::new(rates.search, clock),
            report: Buckets::new(rates.report, clock),
        }
    }

    /// Fails with `RateLimited` if an address has done this too often. Acts that are counted per
    /// user are always allowed here.
    pub fn check_address(&self, act: Act, address: IpAddr) -> Result<()> {
        let buckets = match act {
            Act::Login => &self.login,
            Act::Register => &self.register,
            Act::Mail => &self.mail,
            _ => return Ok(()),
        };
        if self.enabled {
            buckets.check(&network_of(address))
        } else {
            Ok(())
        }
    }

    /// Fails with `RateLimited` if a user has done this too often. Acts that are counted per
    /// address are always allowed here, and everything to whom the limits do not hold for.
    pub fn check_user(&self, act: Act, session: &Session) -> Result<()> {
        let buckets = match act {
            Act::Send => &self.send,
            Act::Join => &self.join,
            Act::Invite => &self.invite,
            Act::CreateRoom => &self.create_room,
            Act::Profile => &self.profile,
            Act::Search => &self.search,
            Act::Report => &self.report,
            Act::Login | Act::Password | Act::Register | Act::Mail => return Ok(()),
        };
        if self.enabled && !session.unlimited {
            buckets.check(&session.user_id)
        } else {
            Ok(())
        }
    }

    /// Fails with `RateLimited` if the password of an account was tried too often.
    pub fn check_password(&self, user: &UserId) -> Result<()> {
        if self.enabled {
            self.password.check(&user.to_owned())
        } else {
            Ok(())
        }
    }
}

/// Whoever has an IPv6 network has all its addresses: the first half counts.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::V6(segments.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::MockClock;

    use super::*;

    fn limits(enabled: bool) -> (Limits, Arc<MockClock>) {
        let clock = Arc::new(MockClock::new(1_700_000_000_000));
        let rates = Rates {
            enabled,
            send: Rate::of(2, 1, 3),
            login: Rate::of(1, 10, 1),
            ..Rates::default()
        };
        (Limits::new(&rates, clock.clone()), clock)
    }

    fn session(name: &str) -> Session {
        let user = UserId::parse(format!("@{name}:server")).expect("a user id");
        Session::new(user, "D".into(), [0; 32])
    }

    #[test]
    fn a_burst_passes_and_then_it_takes_time() {
        let (limits, clock) = limits(true);
        let (alice, bob) = (session("alice"), session("bob"));

        for _ in 0..3 {
            limits.check_user(Act::Send, &alice).expect("allowed");
        }
        let refused = limits.check_user(Act::Send, &alice).expect_err("refused");

        assert_eq!(
            refused.kind(),
            ErrorKind::RateLimited {
                retry_after_ms: 500
            }
        );
        limits.check_user(Act::Send, &bob).expect("another user");
        limits.check_user(Act::Join, &alice).expect("another act");
        clock.advance(500);
        limits.check_user(Act::Send, &alice).expect("later");
        assert!(limits.check_user(Act::Send, &alice).is_err());
    }

    #[test]
    fn who_is_exempt_and_a_server_without_limits_are_never_refused() {
        let (on, _) = limits(true);
        let (off, _) = limits(false);
        let exempt = Session {
            unlimited: true,
            ..session("bridge")
        };

        for _ in 0..50 {
            on.check_user(Act::Send, &exempt).expect("exempt");
            off.check_user(Act::Send, &session("a")).expect("off");
            off.check_address(Act::Login, IpAddr::from([1, 1, 1, 1]))
                .expect("off");
        }
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let (limits, _) = limits(true);
        let check = |text: &str| limits.check_address(Act::Login, text.parse().expect("address"));

        check("2001:db8::1").expect("the first");
        assert!(check("2001:db8::2").is_err());
        check("2001:db8:0:1::1").expect("another network");
        check("10.0.0.1").expect("another");
        assert!(check("::ffff:10.0.0.1").is_err());
    }
}
