/*
 * Can two hold one exclusive lock at once, and can a holder that has lost it still commit what it wrote, behind a newer
 * one? Holders ask for the lock, wait in line, renew, write, release, freeze anywhere, and go on with what they believe.
 *
 * What stands for what:
 *   token[h], ended      the row of h in carillon.lock_hold, 0 for none; whether the lease that is committed has ended
 *   renewing             rows that a renewal has changed and not committed yet
 *   sharing              rows that a transaction has FOR SHARE from its check to its commit (require_hold)
 *   newest               what carillon.lock_token has given last
 *   turn                 who has the lock's advisory lock in acquire_locks()
 *   line                 the rows of carillon.lock_wait, by ticket
 *   mine[h]              the token that the process of h believes to hold, 0 for none
 *   process Holder       acquire_locks(); a transaction with check_lock(); release_hold()
 *   process Renewing     renewHold() and renew_lock(), beside all that the holder does
 *   process Nemesis      ends leases; takes waiters out of the line (hung up, killed, or their time is up)
 *
 * Each arrow or `;` between two atomic steps is a place where a process may sleep for ever: being killed is nothing else.
 *
 * Abstracted away: modes, permits and several locks; time (a lease may end at any moment); that a holder trusts itself
 * for less than its lease; holds acquired several times. An acquisition's delete is seen before its commit: what it
 * deletes has ended, and counts for none. A call that waited for too long never was.
 *
 * Without flags: the protocol. Broken on purpose:
 *   CHECK_AT_BEGINNING   check_lock() looks when it is called, and not at commit
 *   CHECK_UNLOCKED       the check at commit does not lock the hold until the commit is done
 *   EXPIRED_KEPT         taking over does not delete the hold that has expired, so it does not wait for it
 *   COUNTED_ONCE         holds are not counted again after waiting for a renewal that was under way
 *   NO_TURNS             there is no advisory lock
 *   LINE_IGNORED         a free lock goes to who asks, also while others wait
 *   TOKEN_OF_ROWS        the token is one more than those of the rows that are there
 *   WITNESS              fails when the last token is behind a commit and a holder waits, so that 'holds' is not empty talk
 */

#ifndef HOLDERS
#define HOLDERS 3
#endif
#ifndef TOKENS_MAX
#define TOKENS_MAX 3
#endif
#ifndef ENDS_MAX
#define ENDS_MAX 2
#endif

#define NONE HOLDERS
#define BIT(h) (1 << (h))
#define HAS(set, h) (((set) & BIT(h)) != 0)
#define IS_LIVE(h) (token[h] != 0 && !HAS(ended, h))
#define IS_OVER(h) (token[h] != 0 && HAS(ended, h))
#define HOLDS(h, t) (token[h] == (t) && !HAS(ended, h))
#define IS_LOCKED(h) HAS(renewing | sharing, h)

#if defined(NO_TURNS)
#define MAY_TURN true
#define TAKE_TURN(h) skip
#define END_TURN skip
#else
#define MAY_TURN (turn == NONE)
#define TAKE_TURN(h) turn = h
#define END_TURN turn = NONE
#endif
#if defined(LINE_IGNORED)
#define IS_NEXT(h) true
#else
#define IS_NEXT(h) (line[0] == NONE || line[0] == (h))
#endif
#if defined(CHECK_AT_BEGINNING)
#define CHECKED(h, t) true
#define SHARE(h) skip
#elif defined(CHECK_UNLOCKED)
#define CHECKED(h, t) HOLDS(h, t)
#define SHARE(h) skip
#else
#define CHECKED(h, t) (HOLDS(h, t) && !HAS(renewing, h))
#define SHARE(h) sharing = sharing | BIT(h)
#endif

byte token[HOLDERS];
byte ended = 0;
byte renewing = 0;
byte sharing = 0;
byte newest = 0;
byte turn = NONE;
byte line[HOLDERS] = NONE;
byte mine[HOLDERS];
byte ends = 0;

/* Scratch inside single steps. */
hidden byte n;
hidden byte next;

inline joinLine(h) {
  for (n : 0 .. HOLDERS - 1) {
    if
    :: line[n] == h -> break
    :: line[n] == NONE -> line[n] = h; break
    :: else
    fi
  };
  n = 0
}

inline leaveLine(h) {
  next = 0;
  for (n : 0 .. HOLDERS - 1) {
    if
    :: line[n] != h -> line[next] = line[n]; next++
    :: else
    fi
  };
  for (n : next .. HOLDERS - 1) { line[n] = NONE };
  n = 0;
  next = 0
}

inline countHolds(h, expired, isFree) {
  expired = 0;
  isFree = true;
  for (n : 0 .. HOLDERS - 1) {
    if
    :: IS_OVER(n) -> expired = expired | BIT(n)
    :: IS_LIVE(n) -> isFree = false
    :: else
    fi
  };
  n = 0
}

inline deleteExpired(expired) {
  for (n : 0 .. HOLDERS - 1) {
    if
    :: HAS(expired, n) && IS_OVER(n) -> token[n] = 0; ended = ended & ~BIT(n)
    :: else
    fi
  };
  n = 0;
  expired = 0
}

inline giveToken(next) {
#if defined(TOKEN_OF_ROWS)
  next = 0;
  for (n : 0 .. HOLDERS - 1) {
    if
    :: token[n] > next -> next = token[n]
    :: else
    fi
  };
  n = 0;
  next++;
#else
  next = newest + 1;
#endif
  assert(next > newest); /* tokens only grow */
  newest = next
}

inline requireAlone(h) {
  for (n : 0 .. HOLDERS - 1) {
    assert(n == h || !IS_LIVE(n)) /* never two holds at once */
  };
  n = 0
}

active [HOLDERS] proctype Holder() {
  byte expired = 0;
  bit isFree = 0;
  byte claimed = 0; /* the token that a transaction has checked, or that an answer is under way with */

  do
  :: atomic { mine[_pid] == 0 && newest < TOKENS_MAX && MAY_TURN -> TAKE_TURN(_pid) };
    do
    :: atomic { countHolds(_pid, expired, isFree) };
#if defined(EXPIRED_KEPT)
      expired = 0;
      break
#else
      if
      :: expired == 0 -> break
      :: atomic { expired != 0 && (expired & (renewing | sharing)) == 0 -> deleteExpired(expired) }
      fi;
#if defined(COUNTED_ONCE)
      break
#endif
#endif
    od;
    if
    :: atomic {
        isFree && IS_NEXT(_pid) && newest < TOKENS_MAX ->
        assert(line[0] == NONE || line[0] == _pid); /* the first in line is served first */
        giveToken(claimed);
        requireAlone(_pid);
        token[_pid] = claimed;
        ended = ended & ~BIT(_pid);
        leaveLine(_pid);
        isFree = 0;
        END_TURN
      };
      if
      :: atomic { mine[_pid] = claimed; claimed = 0 }
      :: atomic { claimed = 0 } /* the answer got lost */
      fi
    :: atomic {
        !(isFree && IS_NEXT(_pid)) ->
        if
        :: !IS_LIVE(_pid) -> joinLine(_pid)
        :: else /* it would wait for itself */
        fi;
        isFree = 0;
        END_TURN
      }
    fi

  :: atomic { mine[_pid] != 0 && HOLDS(_pid, mine[_pid]) -> claimed = mine[_pid] };
    /* It writes, and sleeps for as long as it likes, before the check of its commit. */
    if
    :: atomic { CHECKED(_pid, claimed) -> SHARE(_pid) };
      atomic {
        assert(claimed == newest); /* no newer holder can have written yet */
#if defined(WITNESS)
        assert(!(claimed == TOKENS_MAX && line[0] != NONE));
#endif
        sharing = sharing & ~BIT(_pid);
        claimed = 0
      }
    :: atomic { !HOLDS(_pid, claimed) -> claimed = 0 } /* refused, rolled back */
    fi

  :: atomic {
      mine[_pid] != 0 && !IS_LOCKED(_pid) ->
      if
      :: token[_pid] == mine[_pid] -> token[_pid] = 0; ended = ended & ~BIT(_pid)
      :: else
      fi;
      mine[_pid] = 0
    }

  :: atomic { mine[_pid] != 0 -> mine[_pid] = 0 } /* gone without a word; its name asks again */
  od
}

active [HOLDERS] proctype Renewing() {
  byte me = _pid % HOLDERS;

  do
  :: atomic {
      mine[me] != 0 && HOLDS(me, mine[me]) && !IS_LOCKED(me) ->
      renewing = renewing | BIT(me)
    };
    if
    :: atomic {
        renewing = renewing & ~BIT(me);
        ended = ended & ~BIT(me);
        requireAlone(me)
      }
    :: atomic { renewing = renewing & ~BIT(me) } /* rolled back */
    fi
  od
}

active proctype Nemesis() {
  byte victim = 0;

  do
  :: atomic {
      ends < ENDS_MAX ->
      select(victim : 0 .. HOLDERS - 1);
      if
      :: IS_LIVE(victim) -> ends++; ended = ended | BIT(victim)
      :: else
      fi;
      victim = 0
    }
  :: atomic { line[0] != NONE -> victim = line[0]; leaveLine(victim); victim = 0 }
  od
}
