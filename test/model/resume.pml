/*
 * A process resumes its number while the leader declares that number dead: can a dead one come back, can a process
 * have two living numbers, can a number have two incarnations that write? A process loses its session, resumes,
 * drains, leaves and registers anew, while the leader declares it dead at any moment; when a failover may give a
 * number twice, there are two processes.
 *
 * What stands for what:
 *   state[n], incarnation[n]   the row of carillon.replica with the number n; NONE is no row
 *   everDead                   numbers that were declared dead, one bit a number
 *   inFlight[n]                how many transactions hold REPLICA_GATE(n) shared
 *   session s of process p     a control session on the server: up, the number in its application_name, and the
 *                              number whose LIVENESS_LOCK it holds. Each process has two places, so that an old
 *                              session may linger half open beside the new one
 *   mine[p], self[p]           Membership.#incarnation: the number and the incarnation that p takes itself for
 *   process Member             Membership.beat, drain and leave, with control-session.ts: connect, resume or
 *                              register, beat, be expelled
 *   process Writing            asReplica: one claim or settlement after another, by what p took itself for
 *   process Leader             SweepLoop.#declareDead: terminateSessions, then holdGateAlone and markDead
 *   process Operator           undrain and forget; with LOSE_NUMBER it fails over, once, to a standby that has not
 *                              got the newest row nor the step of its sequence, so that the number is given again
 *
 * Each arrow or `;` between two atomic steps is a place where a process may sleep for ever.
 *
 * Abstracted away: time, beats' counters and the rules by which the leader judges (it may err, and declare anybody
 * dead); terms (election.pml); pools' sessions, which only make a death rarer; what is written.
 *
 * Broken on purpose: REVIVE (resuming sets the state to active), LEAVE_BLINDLY (draining does not look at the state
 * before), UNDRAIN_BLINDLY (nor does undraining), REGISTER_INSTEAD (a broken session is answered by a new number),
 * NUMBER_ONLY (the fence looks for the number without its incarnation). WITNESS fails when a process writes under
 * its second number.
 */

#if defined(LOSE_NUMBER)
#define PROCESSES 2
#define NUMBERS 1
#else
/* Processes with different numbers never meet: one is enough. */
#define PROCESSES 1
#define NUMBERS 3
#endif
#define PLACES 2
#define NOWHERE PLACES
#define BIT(n) (1 << (n))
#define HAS(set, n) (((set) & BIT(n)) != 0)

#define NONE 0
#define ACTIVE 1
#define DRAINING 2
#define LEFT 3
#define DEAD 4

/* Numbers begin at 1; 0 stands for no number. */
byte state[NUMBERS + 1];
byte incarnation[NUMBERS + 1];
byte everDead = 0;
byte inFlight[NUMBERS + 1];
byte newest = 0;
byte incarnations = 0;

bit up[PROCESSES * PLACES];
byte named[PROCESSES * PLACES];
byte locked[PROCESSES * PLACES];

byte mine[PROCESSES];
byte self[PROCESSES];

#if defined(LOSE_NUMBER)
bit server = 0;
#define SAME_SERVER(s) (server == (s))
#define NOTE_SERVER(s) s = server
#else
#define SAME_SERVER(s) true
#define NOTE_SERVER(s) skip
#endif

hidden byte n;

#define LIVES(number) (state[number] == ACTIVE || state[number] == DRAINING)
#define AT(p, place) ((p) * PLACES + (place))

#if defined(NUMBER_ONLY)
#define IS_ME(number, who) true
#else
#define IS_ME(number, who) (incarnation[number] == (who))
#endif

#if defined(LEAVE_BLINDLY)
#define MAY_DRAIN(number) (state[number] != NONE)
#else
#define MAY_DRAIN(number) (state[number] == ACTIVE)
#endif
#if defined(UNDRAIN_BLINDLY)
#define MAY_UNDRAIN(number) (state[number] != NONE)
#else
#define MAY_UNDRAIN(number) (state[number] == DRAINING)
#endif

/* Only living ones may be set to a living state. */
inline live(number, to) {
  assert(!HAS(everDead, number) && state[number] != LEFT);
  state[number] = to
}

inline endSession(s) {
  up[s] = 0;
  named[s] = 0;
  locked[s] = 0
}

/* Every session of the number, whosever it is. */
inline endSessions(number) {
  for (n : 0 .. PROCESSES * PLACES - 1) {
    if
    :: up[n] && named[n] == number -> endSession(n)
    :: else
    fi
  }
}

inline isLocked(number, answer) {
  answer = 0;
  for (n : 0 .. PROCESSES * PLACES - 1) {
    if
    :: locked[n] == number -> answer = 1
    :: else
    fi
  }
}

active [PROCESSES] proctype Member() {
  byte place = NOWHERE; /* of the session that the process works with */
  byte former = 0; /* the number that it had before */
  byte seen = 0;
  bit taken = 0;

  do
  /* Connect. With a number, resume it: end the old session, take the lock. */
  :: atomic {
      place == NOWHERE ->
      if
      :: !up[AT(_pid, 0)] -> place = 0
      :: up[AT(_pid, 0)] && !up[AT(_pid, 1)] -> place = 1
      :: up[AT(_pid, 0)] && up[AT(_pid, 1)] -> endSession(AT(_pid, 0)); place = 0 /* the server noticed at last */
      fi;
      up[AT(_pid, place)] = 1;
#if defined(REGISTER_INSTEAD)
      former = mine[_pid];
      mine[_pid] = 0;
      self[_pid] = 0;
#endif
      named[AT(_pid, place)] = mine[_pid]
    };
    if
    :: mine[_pid] == 0
    :: atomic {
        mine[_pid] != 0 ->
        if
        :: up[AT(_pid, 1 - place)] && named[AT(_pid, 1 - place)] == mine[_pid] && up[AT(_pid, place)] ->
          endSession(AT(_pid, 1 - place))
        :: else
        fi
      };
      atomic {
        isLocked(mine[_pid], taken);
        if
        :: up[AT(_pid, place)] && !taken ->
          locked[AT(_pid, place)] = mine[_pid];
#if defined(REVIVE)
          live(mine[_pid], ACTIVE);
#endif
        :: else -> endSession(AT(_pid, place)); place = NOWHERE
        fi;
        taken = 0
      }
    fi

  /* Register: row and lock appear together. The answer may get lost; then nobody has the number. */
  :: atomic {
      place != NOWHERE && up[AT(_pid, place)] && mine[_pid] == 0 && newest < NUMBERS ->
      assert(former == 0 || !LIVES(former)); /* never two living numbers */
      newest++;
      incarnations++;
      state[newest] = ACTIVE;
      incarnation[newest] = incarnations;
      isLocked(newest, taken);
      if
      :: !taken -> locked[AT(_pid, place)] = newest
      :: else
      fi;
      taken = 0;
      if
      :: named[AT(_pid, place)] = newest; mine[_pid] = newest; self[_pid] = incarnations
      :: place = NOWHERE
      fi
    }

  /* Beat: what the row says, and later what the process makes of it. */
  :: atomic {
      place != NOWHERE && up[AT(_pid, place)] && mine[_pid] != 0 ->
      if
      :: incarnation[mine[_pid]] == self[_pid] -> seen = state[mine[_pid]]
      :: else -> seen = NONE
      fi
    };
    atomic {
      if
      :: seen == ACTIVE || seen == DRAINING
      :: else -> /* expelled */
        former = mine[_pid];
#if defined(LOSE_NUMBER)
        if
        :: incarnation[former] != self[_pid] -> former = 0 /* somebody else's by now, or nobody's */
        :: else
        fi;
#endif
        mine[_pid] = 0;
        self[_pid] = 0;
        if
        :: place != NOWHERE -> endSession(AT(_pid, place)); place = NOWHERE
        :: else
        fi
      fi;
      seen = 0
    }

  /* The session broke, on both sides or, for now, only on ours. */
  :: atomic { place != NOWHERE && up[AT(_pid, place)] -> endSession(AT(_pid, place)); place = NOWHERE }
  :: atomic { place != NOWHERE -> place = NOWHERE }

  /* A signal: drain, and leave. */
  :: atomic { place != NOWHERE && up[AT(_pid, place)] && mine[_pid] != 0 && MAY_DRAIN(mine[_pid]) -> live(mine[_pid], DRAINING) }
  :: atomic { place != NOWHERE && up[AT(_pid, place)] && mine[_pid] != 0 && LIVES(mine[_pid]) -> state[mine[_pid]] = LEFT }
  od
}

active [PROCESSES] proctype Writing() {
  byte me = _pid - PROCESSES;
  byte number = 0, who = 0;
  bit begunOn = 0;

  do
  :: atomic { mine[me] != 0 -> number = mine[me]; who = self[me] };
    if
    :: atomic { LIVES(number) && IS_ME(number, who) -> inFlight[number]++; NOTE_SERVER(begunOn) };
      if
      :: atomic {
          SAME_SERVER(begunOn) ->
          assert(!HAS(everDead, number)); /* I4 */
          assert(incarnation[number] == who); /* nobody else writes under this number */
#if defined(WITNESS)
          assert(number < NUMBERS);
#endif
          inFlight[number]--
        }
      :: atomic { SAME_SERVER(begunOn) -> inFlight[number]-- } /* its session ended */
      :: !SAME_SERVER(begunOn)
      fi
    :: !(LIVES(number) && IS_ME(number, who)) /* fenced */
    :: true /* never came to it */
    fi;
    atomic { number = 0; who = 0; begunOn = 0 }
  od
}

active proctype Leader() {
  byte number = 0;

  do
  :: atomic { select(number : 1 .. NUMBERS); LIVES(number) -> skip };
    atomic { endSessions(number) };
    atomic {
      inFlight[number] == 0 ->
      if
      :: LIVES(number) -> state[number] = DEAD; everDead = everDead | BIT(number)
      :: else
      fi;
      number = 0
    }
  od
}

active proctype Operator() {
  byte number = 0;

  do
  :: atomic {
      select(number : 1 .. NUMBERS);
      if
      :: MAY_UNDRAIN(number) -> live(number, ACTIVE)
      :: state[number] == DEAD || state[number] == LEFT -> state[number] = NONE
      :: else
      fi;
      number = 0
    }
#if defined(LOSE_NUMBER)
  :: atomic {
      server == 0 && newest > 0 && !HAS(everDead, newest) && state[newest] != NONE ->
      server = 1;
      state[newest] = NONE;
      incarnation[newest] = 0;
      newest--;
      for (n : 1 .. NUMBERS) { inFlight[n] = 0 }
      for (n : 0 .. PROCESSES * PLACES - 1) { endSession(n) }
    }
#endif
  od
}
