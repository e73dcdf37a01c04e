/*
 * Does a leader's write ever commit after its term is over (I3)? Three replicas elect leaders, lose their
 * sessions, sleep anywhere and for as long as they like, and go on with what they believe.
 *
 * What stands for what:
 *   term, holder      the row of carillon.leadership, its newest committed version
 *   updating          who has updated that row and has not committed yet (beginTerm in leadership.repository.ts)
 *   sharing           whose leader transaction holds the row FOR SHARE (holdTerm), one bit a replica
 *   leaderLock        LEADER_LOCK, the advisory lock of a control session; a killed session gives it back
 *   leads[r]          Leadership.#leader in the process of r: the term that it believes to lead, 0 for none
 *   process Election  ElectionLoop.runOnce and Leadership.standDown
 *   process Writing   one leader transaction after another (inTerm in term-fence.ts): sweep, planner, revocation
 *   process Nemesis   kills control sessions (a crash, a silence of deadAfterMs, a follower that ends a frozen leader's)
 *                     and ends terms on an operator's order (endTerm); with LOSE_TERM it also fails over, once, to a
 *                     standby that has not got the last term
 *
 * Each arrow or `;` between two atomic steps is a place where a process may sleep for ever.
 *
 * Abstracted away: time and leases (anybody may stand down or go on at any moment); what is written, since only
 * the instant of the commit matters; FOR SHARE's wait followed by its second look at the row, which is one step
 * here because READ COMMITTED evaluates the newest version once the wait is over; who waits first at a lock. At
 * most WRITERS transactions of a replica are open at a time.
 *
 * After LOSE_TERM a process may win the very term again that it had lost; its writes from before then pass as its own.
 *
 * Give one fence: FENCE_SHARE (ours), FENCE_KEY_SHARE, FENCE_SELECT, FENCE_NONE. Then, as wanted:
 *   NO_LOCK      nothing keeps candidates apart, neither the lock (a pooler hands it to everybody) nor, when
 *                replicas live by heartbeats, the term that beginTerm expects
 *   READ_FIRST   the new term is computed from a read before the wait, not by the update itself
 *   LOSE_TERM    the failover above; TERM_ONLY fences on the term without its holder
 *   WITNESS      fails when the last replica commits in the last term, so that 'holds' is not empty talk
 */

#ifndef TERMS_MAX
#define TERMS_MAX 4
#endif
#ifndef KILLS_MAX
#define KILLS_MAX 3
#endif

#define REPLICAS 3
#ifndef WRITERS
#define WRITERS 2
#endif
#define NOBODY REPLICAS
#define BIT(r) (1 << (r))

byte term = 0;
byte holder = NOBODY;
byte updating = NOBODY;
byte leaderLock = NOBODY;
byte leads[REPLICAS];
byte kills = 0;

#if defined(FENCE_SHARE)
/* FOR SHARE and the update's FOR NO KEY UPDATE wait for each other. */
byte sharing = 0;
#define FENCE_WAITS (updating != NOBODY)
#define UPDATE_WAITS (sharing != 0)
#define LOCK_ROW(r) sharing = sharing | BIT(r)
#define UNLOCK_ROW(r) sharing = sharing & ~BIT(r)
#else
/* Neither a plain select nor FOR KEY SHARE conflicts with an update that changes no key. */
#define FENCE_WAITS false
#define UPDATE_WAITS false
#define LOCK_ROW(r) skip
#define UNLOCK_ROW(r) skip
#endif

#if defined(FENCE_NONE)
#define FENCE_PASSES(t, r) true
#elif defined(TERM_ONLY)
#define FENCE_PASSES(t, r) (term == (t))
#else
#define FENCE_PASSES(t, r) (term == (t) && holder == (r))
#endif

#if defined(NO_LOCK)
#define LOCK_FREE(r) true
#define LOCK_MINE(r) true
#else
#define LOCK_FREE(r) (leaderLock == NOBODY)
#define LOCK_MINE(r) (leaderLock == (r))
#endif

#if defined(READ_FIRST)
#define READ_EARLY(t) t = term + 1
#define READ_NOW(t) skip
#else
#define READ_EARLY(t) skip
#define READ_NOW(t) t = term + 1
#endif

#if defined(LOSE_TERM)
/* Which server it is; transactions and sessions do not outlive one. What the row was before the last term. */
bit server = 0;
byte formerTerm = 0;
byte formerHolder = NOBODY;
#define KEEP_FORMER formerTerm = term; formerHolder = holder
#define SAME_SERVER(s) (server == (s))
#define NOTE_SERVER(s) s = server
#else
#define KEEP_FORMER skip
#define SAME_SERVER(s) true
#define NOTE_SERVER(s) skip
#endif

inline unlock(r) {
  if
  :: leaderLock == r -> leaderLock = NOBODY
  :: else
  fi
}

active [REPLICAS] proctype Election() {
  byte begun = 0;

  do
  /* Something was unclear, or a beat named another term; a stand-down may also come for no reason. */
  :: atomic { leads[_pid] != 0 -> leads[_pid] = 0; unlock(_pid) }

  :: atomic { leads[_pid] == 0 && term < TERMS_MAX && LOCK_FREE(_pid) -> leaderLock = _pid; READ_EARLY(begun) };

    /* The update, where this session holds the lock: waits for the row's other lockers. */
    if
    :: atomic { LOCK_MINE(_pid) && updating == NOBODY && !UPDATE_WAITS && term < TERMS_MAX -> updating = _pid; READ_NOW(begun) };
      if
      :: atomic {
          updating == _pid ->
          KEEP_FORMER;
          assert(begun > term); /* I3: terms only grow */
          term = begun;
          holder = _pid;
          updating = NOBODY
        };
        if
        :: atomic { leads[_pid] = begun; begun = 0 }
        :: atomic { begun = 0; unlock(_pid) } /* the answer got lost: committed, but nobody leads */
        fi
      :: atomic { updating == _pid -> updating = NOBODY; begun = 0; unlock(_pid) } /* refused, rolled back */
      :: atomic { updating != _pid -> begun = 0 } /* the session was killed */
      fi
    :: atomic { begun = 0; unlock(_pid) } /* waited for too long, or the session was killed meanwhile */
    fi
  od
}

active [WRITERS * REPLICAS] proctype Writing() {
  byte mine = 0; /* the term that the transaction claims to write in */
  bit begunOn = 0;
  byte me = _pid % REPLICAS;

  do
  :: atomic { leads[me] != 0 -> mine = leads[me]; NOTE_SERVER(begunOn) };
    /* The pass that took the leader's word may begin its transaction much later. */
    if
    :: atomic { !FENCE_WAITS && FENCE_PASSES(mine, me) -> NOTE_SERVER(begunOn); LOCK_ROW(_pid - REPLICAS) };
      if
      :: atomic {
          SAME_SERVER(begunOn) ->
          assert(term == mine && holder == me); /* I3: nothing newer has committed */
#if defined(WITNESS)
          assert(!(mine == TERMS_MAX && me == REPLICAS - 1));
#endif
          UNLOCK_ROW(_pid - REPLICAS);
          mine = 0
        }
      :: atomic { SAME_SERVER(begunOn) -> UNLOCK_ROW(_pid - REPLICAS); mine = 0 } /* its session ended */
      :: atomic { !SAME_SERVER(begunOn) -> mine = 0 }
      fi
    :: atomic { !FENCE_WAITS && !FENCE_PASSES(mine, me) -> mine = 0 } /* 'fenced' */
    :: atomic { mine = 0 } /* never came to it */
    fi
  od
}

active proctype Nemesis() {
  do
  :: atomic {
      kills < KILLS_MAX && leaderLock != NOBODY ->
      kills++;
      if
      :: updating == leaderLock -> updating = NOBODY
      :: else
      fi;
      leaderLock = NOBODY
    }
  :: atomic {
      updating == NOBODY && !UPDATE_WAITS && term < TERMS_MAX ->
      KEEP_FORMER;
      term++;
      holder = NOBODY
    }
#if defined(LOSE_TERM)
  :: atomic {
      server == 0 && term > 0 ->
      server = 1;
      term = formerTerm;
      holder = formerHolder;
      updating = NOBODY;
      leaderLock = NOBODY;
#if defined(FENCE_SHARE)
      sharing = 0
#endif
    }
#endif
  od
}
