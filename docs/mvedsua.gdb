# gdb commands for a server that runs with libmvedsua.so:
#   gdb -x docs/mvedsua.gdb -p PID
# Symbols come with the library itself (it is built with -g).

# SIGSYS is the shim's own: calls that Syscall User Dispatch traps, and its kicks. Signal 33 is glibc's.
handle SIGSYS nostop noprint pass
handle SIG33 nostop noprint pass
set print thread-events off

define mv-role
  if mv.role == 0
    printf "role solo"
  end
  if mv.role == 1
    printf "role leader"
  end
  if mv.role == 2
    printf "role follower"
  end
  printf ", version %u, pid %u (the program sees %u)", mv.version, mv.pid, mv.logical_pid
  if mv.net_armed || mv.net_requested || mv.role == 2
    printf ", net armed"
  end
  printf "\n"
  if mv.control
    printf "session: leader %u, keeper %u, generation %lu, leads %lu, failovers %lu\n", mv.control->leader_pid, mv.control->keeper_pid, mv.control->generation, mv.control->leads, mv.control->failovers
    set $mv_i = 0
    while $mv_i < sizeof(mv.control->members) / sizeof(mv.control->members[0])
      set $mv_m = &mv.control->members[$mv_i]
      if $mv_m->state || $mv_m->pid
        # enum mv_member_state
        printf "  version %u: pid %u, state %u, generation %lu, publishing %u, reason %u (code %d): %s\n", $mv_i, $mv_m->pid, $mv_m->state, $mv_m->generation, mv.control->publishing[$mv_i], $mv_m->reason, $mv_m->reason_code, $mv_m->reason_text
      end
      set $mv_i = $mv_i + 1
    end
    printf "sites: %u rewritten, %u trapped, %u refused\n", mv.control->sites_rewritten, mv.control->sites_trapped, mv.control->sites_refused
    if mv.control->reason
      printf "last reason %u (code %d): %s\n", mv.control->reason, mv.control->reason_code, mv.control->reason_text
    end
  else
    printf "no session\n"
  end
end
document mv-role
What this process is: solo, leader or follower; its session.
end

# $arg0: address of a struct mv_event
define mv-print-event
  set $mv_e = (struct mv_event *) ($arg0)
  printf "  event %lu: call %u, result %ld, in %u bytes, out %u bytes, flags %#x, site ", $mv_e->sequence, $mv_e->call, $mv_e->result, $mv_e->in_size, $mv_e->out_size, $mv_e->flags
  output/a $mv_e->site
  printf "\n  args %#lx %#lx %#lx %#lx %#lx %#lx\n", $mv_e->args[0], $mv_e->args[1], $mv_e->args[2], $mv_e->args[3], $mv_e->args[4], $mv_e->args[5]
end

define mv-threads
  set $mv_i = 0
  while $mv_i < 'threads.c'::area_count
    set $mv_t = 'threads.c'::areas[$mv_i]
    if $mv_t && $mv_t->area_state == 1
      printf "tid %u (the program sees %u), slot %u, call %u, attention %#x", $mv_t->tid, $mv_t->logical_tid, $mv_t->slot, $mv_t->call, $mv_t->attention
      if $mv_t->deferred
        printf ", signal %u deferred", $mv_t->deferred
      end
      if $mv_t->info
        # enum mv_thread_state
        printf ", state %u, frame at ", $mv_t->info->state
        output/a $mv_t->info->site
      end
      printf "\n"
    end
    set $mv_i = $mv_i + 1
  end
end
document mv-threads
All threads that the shim knows: kernel and logical id, log, the call in the frame (of a replaying thread: the call
that it waits to be told the result of), deferred signal, where in the program it called from.
end

define mv-event
  set $mv_i = 0
  while $mv_i < 'threads.c'::area_count
    set $mv_t = 'threads.c'::areas[$mv_i]
    if $mv_t && $mv_t->area_state == 1
      if $mv_t->replaying
        set $mv_r = &$mv_t->reader
        printf "tid %u reads slot %u: event %lu at %#lx, published to %#lx\n", $mv_t->tid, $mv_t->slot, $mv_r->sequence, $mv_r->position, $mv_r->header->published
        if $mv_r->position != $mv_r->header->published
          # An argument of a gdb command must not hold blanks.
          set $mv_at = $mv_r->base + $mv_r->position
          mv-print-event $mv_at
        end
      else
        if $mv_t->log
          set $mv_h = (struct mv_log_header *) $mv_t->log->base
          printf "tid %u publishes slot %u: %lu events, next at %#lx, %lu bytes held", $mv_t->tid, $mv_t->slot, $mv_h->sequence, $mv_h->published, $mv_h->held
          if $mv_h->intent.call != 0xffffffff
            printf ", intent: call %u on descriptor %d", $mv_h->intent.call, $mv_h->intent.fd
          end
          printf "\n"
        end
      end
    end
    set $mv_i = $mv_i + 1
  end
end
document mv-event
Where every thread stands in the event log: a follower's next event, a leader's last position and open intent.
end

define mv-divergence
  set $mv_v = 0
  while $mv_v < sizeof(mv.control->divergence) / sizeof(mv.control->divergence[0])
  set $mv_d = &mv.control->divergence[$mv_v]
  if $mv_d->kind == 0
    printf "version %u: no divergence\n", $mv_v
  else
    printf "version %u: ", $mv_v
    printf "kind %u at position %u, slot %u; the follower's call %u from ", $mv_d->kind, $mv_d->position, $mv_d->slot, $mv_d->call
    output/a $mv_d->site
    printf "\nthe follower's args %#lx %#lx %#lx %#lx %#lx %#lx\n", $mv_d->args[0], $mv_d->args[1], $mv_d->args[2], $mv_d->args[3], $mv_d->args[4], $mv_d->args[5]
    printf "the leader's record:\n"
    mv-print-event $mv_d->leader_record
  end
  set $mv_v = $mv_v + 1
  end
end
document mv-divergence
The two calls that differed, as each follower noted them (`mvedsua report NAME` decodes and symbolises them).
end

# A pc inside a trampoline (or a thunk, its stand-in for a trapped call) has no unwind information of its own. The shim
# knows which place of the program it stands for, and all registers but rcx are the program's: the frame above is
# the program's own, at that place. It is shown one byte behind, because gdb looks a caller up one byte before its address.
python
import gdb
import gdb.unwinder

def mv_static(name):
    symbol = gdb.lookup_static_symbol(name)
    return None if symbol is None else symbol.value()

def mv_original(pc):
    """What an address in a trampoline, in a pad or in a thunk stands for; None for any other."""
    head = mv_static('first_segment')
    if head is None:
        return None
    pointer = gdb.lookup_type('struct mv_segment').pointer()
    segment = int(head.cast(gdb.lookup_type('unsigned long')))
    while segment:
        s = gdb.Value(segment).cast(pointer).dereference()
        segment = int(s['next'])
        for i in range(int(s['pad_count'])):
            if int(s['pads'][i]['at']) <= pc < int(s['pads'][i]['at']) + 5:
                return int(s['pads'][i]['site'])
        if not int(s['pool']) <= pc < int(s['pool_end']):
            continue
        for i in range(int(s['patch_count'])):
            patch = s['patches'][i]
            offset = pc - int(patch['trampoline'])
            if not 0 <= offset < int(patch['trampoline_size']):
                continue
            for step in reversed(range(int(patch['step_count']))):
                if int(patch['steps'][step]['trampoline']) <= offset:
                    return int(patch['window']) + int(patch['steps'][step]['original'])
    thunks = mv_static('thunks')
    if thunks is not None and int(thunks) <= pc < int(thunks) + 65536:
        return int(thunks[(pc - int(thunks)) // int(thunks.dereference().type.sizeof)]['site_next']) or None
    return None

class MvFrame:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc

class MvUnwinder(gdb.unwinder.Unwinder):
    kept = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15']

    def __init__(self):
        super().__init__('mvedsua')

    def __call__(self, frame):
        pc = frame.read_register('rip')
        original = mv_original(int(pc))
        if original is None:
            return None
        caller = frame.create_unwind_info(MvFrame(frame.read_register('rsp'), pc))
        for name in self.kept:
            caller.add_saved_register(name, frame.read_register(name))
        caller.add_saved_register('rip', gdb.Value(original + 1).cast(pc.type))
        return caller

gdb.unwinder.register_unwinder(None, MvUnwinder(), replace=True)
end
