/*
 * Runs that the owner of their slot inserts and claims by one statement (libs/execution/taking-in, migrations/0044), or
 * looks for and claims by one (libs/execution/claiming/hinted-look.ts, migrations/0046), beside its own claim loop: is each
 * still held once, started under a claim of its own, within its limit, in its turn, and never lost, while the slot moves and
 * comes back, a replica is declared dead and rejoins, and answers get lost?
 *
 * One slot with one lane, of which one run may run at a time, or any number if it is UNLIMITED, as the lanes are from which
 * a look claims. What stands for what, beside claim.pml:
 *   NUMBER(p)                the incarnation of process p; one that was declared dead takes a new one
 *   inserted, over           runs whose insert is committed, and of these the ones that have ended, one bit a run
 *   claim[c]                 a row of carillon.claim; the rows of number r are CLAIMS * r and the next
 *   entering[p], closed[p]   LaneDoor: what is being taken in, and whether a claim (1) or a look (2) is on its way
 *   elsewhere[p], known[p]   RunsElsewhere: what claims of others name, and 0 or the epoch of that reading, plus 1
 *   awaited                  rows whose answer is still to come; StrayClaimsLoop is slower than an answer
 *   process Taking           TakingIn.#send and carillon.take_in(); after a lost answer what the server still does
 *   process Claiming         ClaimLoop.runOnce, RunsElsewhere.refresh, StrayClaimsLoop
 *   process Looking          HintedLook and carillon.look_and_claim(); after a lost answer what the server still does. The
 *                            claim loop does one thing at a time: it looks, claims and reads while `closed` is not set
 *   process Running          StartLoop, Executor, and giving back what a former owner has not started
 *   process Handing          OwnershipLoop.runOnce, and the news that the incarnation is over
 *   process Others           the leader, as in claim.pml, and runs that other replicas insert
 *
 * No pass is made that finds nothing to do, and all accidents are counted, so a story ends when nothing more can happen.
 * By then each run that was inserted is over, and no claim is left.
 *
 * Abstracted away: what claim.pml shows of settlements and attempts; groups, which have one run here; marks, due times and
 * priorities (each statement looks at the whole lane, and all is due); what a process sends while a statement of which it
 * lost the answer is still going on, except a look. The gate may be found taken at any time. Two things look like overtaking
 * and are allowed: of a run that was put back after the statement was sent in this epoch, and of one that another replica
 * has put back since this one read, for this epoch, what others hold. A stray claim may name what a later claim of the same
 * replica holds: each run is held once all the same, and nothing starts under the stray one.
 *
 * A look takes one run, the first by number, so that others stay behind it. Limits are read with the lane, and may come a
 * moment later: so the lane is a limited one in some variants with looks, too.
 *
 * Broken on purpose:
 *   GATE_NOT_TRIED        the statement reads and writes without the gate
 *   OWNER_UNCHECKED       it looks neither at the slot's owner nor at its epoch
 *   EPOCH_UNCHECKED       it asks for the owner only
 *   WAITING_UNSEEN        it does not look whether a run waits before
 *   LANE_OPEN             runs enter while a claim from the lane is on its way
 *   ENTERING_CLAIMED      claims do not leave out what is entering
 *   HELD_BLINDLY          what was claimed is held without asking whether the incarnation is still the same
 *   ENTERING_KEPT         after a lost answer the run stays among those that are entering
 *   STRAY_UNSEEN          no process looks for its stray claims
 *   ELSEWHERE_UNREAD      no process reads the claims of others
 *   STARTED_UNCOUNTED     runs start before it is known, for this epoch, what others hold
 *   LOOK_WITHOUT_GATE     the look reads and writes without the gate
 *   LOOK_ONE_SNAPSHOT     it passes the gate, but sees what was there before
 *   LOOK_OF_THE_DEAD      it does not look whether the replica was declared dead
 *   LOOK_EPOCH_UNCHECKED  it asks for the owner only
 *   LOOK_LANE_OPEN        runs enter while it is on its way
 *   LOOK_BESIDE_CLAIM     it is sent while a claim from the lane is on its way
 *   LOOK_TAKES_ENTERING   it does not leave out what is entering
 *   LOOK_TAKES_HELD       nor what is held
 *   LOOK_TAKES_ELSEWHERE  nor what others have in hand
 *   LOOK_TAKES_LATER      it takes the last one of the lane
 *   LOOK_HELD_BLINDLY     what it claimed is held without asking whether the incarnation is still the same
 *   WITNESS               fails when a run ends that was taken in by an owner which got its slot back
 *   WITNESS_LOOK          the same, claimed by a look
 */

#ifndef RUNS
#define RUNS 2
#endif
#ifndef MOVES_MAX
#define MOVES_MAX 2
#endif
#ifndef DEATHS_MAX
#define DEATHS_MAX 1 /* no more, or NUMBERS are too few */
#endif
#ifndef FAULTS_MAX
#define FAULTS_MAX 1
#endif
#ifndef VAIN_MAX
#define VAIN_MAX 0 /* claims from a lane that has nothing by then, since the scan was before */
#endif
#ifndef HINTS_MAX
#define HINTS_MAX 0 /* each leads to a look */
#endif
#define PROCESSES 2
#define NUMBERS 3
#define CLAIMS 4
#define NONE NUMBERS
#define BIT(n) (1 << (n))
#define HAS(set, n) (((set) & BIT(n)) != 0)

byte dead = 0;
byte owner = 0;
byte target = NONE;
byte epoch = 0;
byte inserted = 0;
byte over = 0;
byte claim[NUMBERS * CLAIMS];
byte inFlight[NUMBERS];

byte anew[PROCESSES]; /* the number after the first; 0 if there is none */
byte numbers = PROCESSES;
byte serving[PROCESSES];
byte known[PROCESSES];
byte elsewhere[PROCESSES];
byte holds[PROCESSES];
byte started[PROCESSES];
byte heldRow[PROCESSES * RUNS];
byte entering[PROCESSES];
byte closed[PROCESSES];
short awaited = 0;

byte came = 0;
byte moves = 0;
byte deaths = 0;
byte faults = 0;
byte vain = 0;
byte hints = 0;

/* For the assertions: what has waited since the slot changed hands, and what was taken by an owner that got it back. */
byte waits = 0;
byte lateTaken = 0;

/* Scratch inside single steps. */
hidden byte n;

#define ALIVE(r) (!HAS(dead, r))
#define UNFINISHED (inserted & ~over)
#define NUMBER(p) (anew[p] == 0 -> (p) : anew[p])
#define HELD(p, x) ((p) * RUNS + (x))
#define IN_HAND(p) (holds[p] | entering[p] | elsewhere[p])
#define KNOWS(p) (serving[p] != 0 && known[p] == serving[p])
#define NAMED_BY(r) (claim[CLAIMS * (r)] | claim[CLAIMS * (r) + 1] | claim[CLAIMS * (r) + 2] | claim[CLAIMS * (r) + 3])
#define NAMED_BESIDE(r) ((r == 0 -> 0 : NAMED_BY(0)) | (r == 1 -> 0 : NAMED_BY(1)) | (r == 2 -> 0 : NAMED_BY(2)))
#define NAMED (NAMED_BY(0) | NAMED_BY(1) | NAMED_BY(2))
#define FIRST(runs) ((runs) & -(runs))
#define BEFORE(run) ((run) - 1)
#define REMEMBERS(p, x, row) (HAS(holds[p], x) && heldRow[HELD(p, x)] == (row))
#define IS_STRAY(p, row) (claim[row] != 0 && !HAS(awaited, row) && !IS_REMEMBERED(p, row))
#if RUNS == 1
#define IS_REMEMBERED(p, row) REMEMBERS(p, 0, row)
#elif RUNS == 2
#define IS_REMEMBERED(p, row) (REMEMBERS(p, 0, row) || REMEMBERS(p, 1, row))
#else
#define IS_REMEMBERED(p, row) (REMEMBERS(p, 0, row) || REMEMBERS(p, 1, row) || REMEMBERS(p, 2, row))
#endif

#if defined(GATE_NOT_TRIED)
#define ENTER_TO_TAKE(r) skip
#define LEAVE_FROM_TAKING(r) skip
#else
#define ENTER_TO_TAKE(r) inFlight[r]++
#define LEAVE_FROM_TAKING(r) inFlight[r]--
#endif
#if defined(OWNER_UNCHECKED)
#define MAY_TAKE(r, seen) true
#elif defined(EPOCH_UNCHECKED)
#define MAY_TAKE(r, seen) (owner == (r) && target == NONE)
#else
#define MAY_TAKE(r, seen) OWNS(r, seen)
#endif
#define OWNS(r, seen) (owner == (r) && target == NONE && epoch + 1 == (seen))
#if defined(WAITING_UNSEEN)
#define NONE_WAITS(inHand) true
#else
#define NONE_WAITS(inHand) ((UNFINISHED & ~(inHand)) == 0)
#endif
#if defined(LANE_OPEN)
#define IS_CLOSED(p) false
#elif defined(LOOK_LANE_OPEN)
#define IS_CLOSED(p) (closed[p] == 1)
#else
#define IS_CLOSED(p) (closed[p] != 0)
#endif
#if defined(ENTERING_CLAIMED)
#define LEFT_OUT(p) (holds[p] | elsewhere[p])
#else
#define LEFT_OUT(p) IN_HAND(p)
#endif
#if defined(ELSEWHERE_UNREAD)
#define SEEN_ELSEWHERE(p) 0
#else
#define SEEN_ELSEWHERE(p) (NAMED_BESIDE(NUMBER(p)) & UNFINISHED)
#endif
#if defined(STARTED_UNCOUNTED)
#define MAY_START(p) (serving[p] != 0)
#else
#define MAY_START(p) KNOWS(p)
#endif
#if defined(UNLIMITED) /* a former owner starts what it holds, and no run is kept from starting by another */
#define HAS_PLACE(p) true
#define BARRED_BY(x) BIT(x)
#else
#define HAS_PLACE(p) (MAY_START(p) && started[p] == 0 && elsewhere[p] == 0)
#define BARRED_BY(x) (BIT(RUNS) - 1)
#endif
#if defined(HELD_BLINDLY)
#define MAY_HOLD(p, r) true
#else
#define MAY_HOLD(p, r) (NUMBER(p) == (r))
#endif

#if defined(LOOK_WITHOUT_GATE)
#define ENTER_TO_LOOK(r) skip
#define LEAVE_FROM_LOOKING(r) skip
#else
#define ENTER_TO_LOOK(r) inFlight[r]++
#define LEAVE_FROM_LOOKING(r) inFlight[r]--
#endif
#if defined(LOOK_OF_THE_DEAD)
#define IS_IN(r) true
#else
#define IS_IN(r) ALIVE(r)
#endif
#if defined(LOOK_EPOCH_UNCHECKED)
#define IS_TO_LOOK(r, seen) (IS_IN(r) && owner == (r) && target == NONE)
#else
#define IS_TO_LOOK(r, seen) (IS_IN(r) && OWNS(r, seen))
#endif
#if defined(LOOK_BESIDE_CLAIM)
#define LOOP_IS_FREE(p) true
#else
#define LOOP_IS_FREE(p) (closed[p] == 0)
#endif
#if defined(LOOK_TAKES_ENTERING)
#define LEFT_OUT_BY_LOOK(p) (holds[p] | elsewhere[p])
#elif defined(LOOK_TAKES_HELD)
#define LEFT_OUT_BY_LOOK(p) (entering[p] | elsewhere[p])
#elif defined(LOOK_TAKES_ELSEWHERE)
#define LEFT_OUT_BY_LOOK(p) (holds[p] | entering[p])
#else
#define LEFT_OUT_BY_LOOK(p) IN_HAND(p)
#endif
#if defined(LOOK_TAKES_LATER)
#define PICKED(runs) ((runs) - FIRST(runs) == 0 -> (runs) : (runs) - FIRST(runs))
#else
#define PICKED(runs) FIRST(runs)
#endif
#if defined(LOOK_HELD_BLINDLY)
#define MAY_HOLD_LOOKED(p, r) true
#else
#define MAY_HOLD_LOOKED(p, r) (NUMBER(p) == (r))
#endif

/* The process learns that its incarnation is over, forgets what it held, and rejoins (resume.pml has that in full). */
inline rejoin(p) {
  anew[p] = numbers;
  numbers++;
  serving[p] = 0;
  known[p] = 0;
  elsewhere[p] = 0;
  for (n : 0 .. RUNS - 1) { forget(p, n) }
}

inline forget(p, x) {
  holds[p] = holds[p] & ~BIT(x);
  started[p] = started[p] & ~BIT(x);
  heldRow[HELD(p, x)] = 0
}

/* Inserts a claim. Its row is free, and the process remembers no other of that id. */
inline insertClaim(p, r, runs, row) {
  assert(ALIVE(r)); /* I4 */
  assert((NAMED_BESIDE(r) & runs) == 0); /* claimed by no other replica */
  row = CLAIMS * r;
  do
  :: claim[row] == 0 && !HAS(awaited, row) && !IS_REMEMBERED(p, row) -> break
  :: else -> row++; assert(row < CLAIMS * r + CLAIMS)
  od;
  claim[row] = runs;
  waits = waits & ~runs
}

inline hold(p, runs, row) {
  assert((holds[p] & runs) == 0); /* held once */
  for (n : 0 .. RUNS - 1) {
    if
    :: HAS(runs, n) -> heldRow[HELD(p, n)] = row
    :: else
    fi
  }
  holds[p] = holds[p] | runs
}

/* From here on the process does not wait for an answer, though the server may still go on. */
inline mayLoseTaking() {
  if
  :: true
  :: !lost && faults < FAULTS_MAX -> faults++; lost = 1; stopEntering()
  fi
}

inline stopEntering() {
#if defined(ENTERING_KEPT)
  if
  :: !lost -> entering[p] = entering[p] & ~mine
  :: else
  fi
#else
  entering[p] = entering[p] & ~mine
#endif
}

active [PROCESSES] proctype Taking() {
  byte p = _pid;
  byte mine = 0, seen = 0, as = 0, inHand = 0, waited = 0, row = 0;
  bit lost = 0, mayClaim = 0;

  do
  :: atomic { /* TakingIn.take, #entryOf */
      came < RUNS && KNOWS(p) && !IS_CLOSED(p) && entering[p] == 0 ->
      mine = BIT(came);
      came++;
      entering[p] = mine;
      seen = serving[p];
      as = NUMBER(p)
    };
    atomic { /* #write, once there is a connection */
      inHand = IN_HAND(p);
      waited = UNFINISHED & ~NAMED & ~(known[p] == seen -> elsewhere[p] : 0)
    };
    atomic {
      mayLoseTaking();
      if
      :: true -> ENTER_TO_TAKE(as); mayClaim = 1
      :: true /* the gate is taken */
      fi
    };
    atomic { /* one snapshot, from after the gate */
      mayLoseTaking();
      if
      :: mayClaim && !(ALIVE(as) && MAY_TAKE(as, seen) && NONE_WAITS(inHand)) -> mayClaim = 0; LEAVE_FROM_TAKING(as)
      :: mayClaim && ALIVE(as) && MAY_TAKE(as, seen) && NONE_WAITS(inHand) ->
        assert(((waited | waits) & UNFINISHED & ~NAMED) == 0) /* none is overtaken */
      :: else
      fi;
      inHand = 0;
      waited = 0;
      seen = 0
    };
    atomic {
      mayLoseTaking();
      if
      :: true ->
        inserted = inserted | mine;
        if
        :: mayClaim ->
          insertClaim(p, as, mine, row);
          LEAVE_FROM_TAKING(as);
          if
          :: !lost -> awaited = awaited | BIT(row)
          :: else
          fi;
#if defined(WITNESS)
          if
          :: epoch >= 2 && owner == 0 -> lateTaken = mine
          :: else
          fi
#endif
        :: else
        fi
      :: lost || faults < FAULTS_MAX -> /* rolled back */
        if
        :: !lost -> faults++
        :: else
        fi;
        if
        :: mayClaim -> mayClaim = 0; LEAVE_FROM_TAKING(as)
        :: else
        fi
      fi
    };
    atomic { /* the answer */
      awaited = awaited & ~((mayClaim && !lost) << row); /* another may have the row of a stray claim */
      mayLoseTaking();
      if
      :: lost
      :: !lost && mayClaim && MAY_HOLD(p, as) -> hold(p, mine, row)
      :: !lost && mayClaim && !MAY_HOLD(p, as)
      :: !lost && !mayClaim -> inserted = inserted | mine /* it waits, or goes the other way now */
      fi;
      stopEntering();
      mine = 0; as = 0; row = 0; lost = 0; mayClaim = 0
    }
  od
}

/* StrayClaimsLoop */
inline dropStray(row) {
  atomic { ALIVE(NUMBER(p)) && IS_STRAY(p, CLAIMS * NUMBER(p) + row) -> claim[CLAIMS * NUMBER(p) + row] = 0 }
}

active [PROCESSES] proctype Claiming() {
  byte p = _pid - PROCESSES;
  byte seen = 0, as = 0, leftOut = 0, picked = 0, row = 0;
  bit lost = 0;

  do
  :: atomic { closed[p] == 0 && serving[p] == 0 && known[p] != 0 -> known[p] = 0; elsewhere[p] = 0 }
  :: atomic {
      closed[p] == 0 && serving[p] != 0 && (known[p] != serving[p] || elsewhere[p] != SEEN_ELSEWHERE(p)) ->
      elsewhere[p] = SEEN_ELSEWHERE(p);
      known[p] = serving[p]
    }
#if !defined(STRAY_UNSEEN)
  :: dropStray(0)
  :: dropStray(1)
  :: dropStray(2)
  :: dropStray(3)
#endif
  :: atomic { /* closedTo */
      closed[p] == 0 && KNOWS(p) && ((UNFINISHED & ~LEFT_OUT(p)) != 0 || vain < VAIN_MAX) ->
      if
      :: (UNFINISHED & ~LEFT_OUT(p)) == 0 -> vain++
      :: else
      fi;
      closed[p] = 1;
      leftOut = LEFT_OUT(p);
      seen = serving[p];
      as = NUMBER(p)
    };
    if
    :: atomic { !ALIVE(as) -> skip } /* fenced */
    :: atomic { ALIVE(as) -> inFlight[as]++ };
      atomic {
        if
        :: OWNS(as, seen) -> picked = UNFINISHED & ~leftOut
        :: else
        fi;
        leftOut = 0
      };
      atomic {
        if
        :: picked != 0 -> insertClaim(p, as, picked, row); awaited = awaited | BIT(row)
        :: else
        fi;
        inFlight[as]--
      }
    fi;
    atomic {
      if
      :: picked != 0 -> awaited = awaited & ~BIT(row)
      :: else
      fi;
      if
      :: picked != 0 && NUMBER(p) == as -> hold(p, picked, row)
      :: picked != 0 && faults < FAULTS_MAX -> faults++ /* the answer got lost */
      :: picked == 0 || NUMBER(p) != as
      fi;
      closed[p] = 0;
      seen = 0; as = 0; leftOut = 0; picked = 0; row = 0
    }
  od
}

/* Any of them. */
inline oneOf(runs, x) {
  if
  :: HAS(runs, 0) -> x = 0
  :: HAS(runs, 1) -> x = 1
#if RUNS == 3
  :: HAS(runs, 2) -> x = 2
#endif
  fi
}

inline release(p, x) {
  claim[heldRow[HELD(p, x)]] = claim[heldRow[HELD(p, x)]] & ~BIT(x);
  forget(p, x)
}

active [PROCESSES] proctype Running() {
  byte p = _pid - 2 * PROCESSES;
  byte x;

  do
  :: atomic { /* what others have in hand counts as running, and must be known */
      HAS_PLACE(p) && (holds[p] & ~started[p]) != 0 ->
      oneOf(holds[p] & ~started[p], x);
      assert(heldRow[HELD(p, x)] / CLAIMS == NUMBER(p)); /* under a claim of its own */
      /* I7, and without limits once; attempts of the dead are lost. */
      assert((started[1 - p] & BARRED_BY(x)) == 0 || !ALIVE(NUMBER(p)) || !ALIVE(NUMBER(1 - p)));
      started[p] = started[p] | BIT(x);
      x = 0
    }
  :: atomic { /* it ends */
      started[p] != 0 && ALIVE(NUMBER(p)) ->
      oneOf(started[p], x);
#if defined(WITNESS) || defined(WITNESS_LOOK)
      assert(!HAS(lateTaken, x));
#endif
      over = over | BIT(x);
      release(p, x);
      x = 0
    }
#if !defined(UNLIMITED)
  :: atomic { /* the slot is gone, and so its runs that have not started are given back */
      serving[p] == 0 && (holds[p] & ~started[p]) != 0 && ALIVE(NUMBER(p)) ->
      do
      :: x < RUNS && HAS(holds[p] & ~started[p], x) -> release(p, x); x++
      :: x < RUNS && !HAS(holds[p] & ~started[p], x) -> x++
      :: x == RUNS -> break
      od;
      x = 0
    }
#endif
  od
}

active [PROCESSES] proctype Handing() {
  byte p = _pid - 3 * PROCESSES;

  do
  :: atomic { owner == NUMBER(p) && target == NONE && serving[p] != epoch + 1 -> serving[p] = epoch + 1 }
  :: atomic { !(owner == NUMBER(p) && target == NONE) && serving[p] != 0 -> serving[p] = 0 }
  :: atomic {
      ALIVE(NUMBER(p)) && owner == NUMBER(p) && target != NONE && serving[p] == 0 && inFlight[NUMBER(p)] == 0 ->
      owner = target;
      target = NONE;
      epoch++;
      waits = UNFINISHED & ~NAMED
    }
  :: atomic { !ALIVE(NUMBER(p)) -> rejoin(p) }
  od
}

#if HINTS_MAX > 0
/* From here on the claim loop goes on, though the server may still be at it. */
inline mayLoseLooking() {
  if
  :: true
  :: !lost && faults < FAULTS_MAX -> faults++; lost = 1; closed[p] = 0
  fi
}

inline pick() {
  if
  :: IS_TO_LOOK(as, seen) -> picked = PICKED(UNFINISHED & ~leftOut)
  :: else
  fi;
  /* None stays behind that comes before, unless it was claimed or is known to be in hand. */
  assert(picked == 0 || (UNFINISHED & ~NAMED & ~leftOut & BEFORE(picked)) == 0);
  leftOut = 0;
  seen = 0
}

active [PROCESSES] proctype Looking() {
  byte p = _pid - 4 * PROCESSES;
  byte seen = 0, as = 0, leftOut = 0, picked = 0, row = 0;
  bit lost = 0;

  do
  :: atomic { /* closedTo, #send; the slot may have moved since others' claims were read */
      hints < HINTS_MAX && LOOP_IS_FREE(p) && serving[p] != 0 && known[p] != 0 ->
      hints++;
      closed[p] = 2;
      leftOut = LEFT_OUT_BY_LOOK(p);
      seen = known[p];
      as = NUMBER(p)
    };
#if defined(LOOK_ONE_SNAPSHOT)
    atomic { mayLoseLooking(); pick() };
    atomic { ENTER_TO_LOOK(as) };
#else
    atomic { mayLoseLooking(); ENTER_TO_LOOK(as) };
    atomic { mayLoseLooking(); pick() }; /* one snapshot, from after the gate */
#endif
    atomic {
      mayLoseLooking();
      if
      :: picked != 0 ->
        insertClaim(p, as, picked, row);
        if
        :: !lost -> awaited = awaited | BIT(row)
        :: else
        fi;
#if defined(WITNESS_LOOK)
        if
        :: epoch >= 2 && owner == 0 -> lateTaken = picked
        :: else
        fi
#endif
      :: picked == 0 || lost -> picked = 0 /* nothing to claim, or rolled back */
      fi;
      LEAVE_FROM_LOOKING(as)
    };
    atomic { /* the answer */
      if
      :: picked != 0 && !lost -> awaited = awaited & ~BIT(row)
      :: else
      fi;
      mayLoseLooking();
      if
      :: !lost && picked != 0 && MAY_HOLD_LOOKED(p, as) -> hold(p, picked, row)
      :: lost || picked == 0 || !MAY_HOLD_LOOKED(p, as)
      fi;
      if
      :: !lost -> closed[p] = 0
      :: else
      fi;
      as = 0; picked = 0; row = 0; lost = 0
    }
  od
}
#endif

inline moveTo(p) {
  atomic {
    moves < MOVES_MAX && ALIVE(owner) && target == NONE && owner != NUMBER(p) && ALIVE(NUMBER(p)) ->
    moves++;
    target = NUMBER(p)
  }
}

inline giveTo(p) {
  atomic { !ALIVE(owner) && ALIVE(NUMBER(p)) -> owner = NUMBER(p); target = NONE; epoch++; waits = UNFINISHED & ~NAMED }
}

/* Behind the gate, which is held alone. */
inline declareDead(r) {
  atomic { deaths < DEATHS_MAX && ALIVE(r) && inFlight[r] == 0 -> deaths++; dead = dead | BIT(r) }
}

inline revoke(r) {
  atomic {
    !ALIVE(r) && NAMED_BY(r) != 0 ->
    for (n : CLAIMS * r .. CLAIMS * r + CLAIMS - 1) { claim[n] = 0 }
  }
}

active proctype Others() {
  do
  :: moveTo(0)
  :: moveTo(1)
  :: atomic { target != NONE && ALIVE(owner) -> target = NONE }
  :: declareDead(0)
  :: declareDead(1)
  :: giveTo(0)
  :: giveTo(1)
  :: revoke(0)
  :: revoke(1)
  :: atomic { came < RUNS -> inserted = inserted | BIT(came); came++ }
  od
}

active proctype End() {
  atomic {
    timeout ->
    assert(UNFINISHED == 0); /* I5: none is lost */
    assert(NAMED == 0) /* each stray claim was found */
  }
}
