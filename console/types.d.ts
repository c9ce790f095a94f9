// What the gateway answers, as far as the page reads it: docs/api.md says what each field means. For the checker of types alone;
// the page does not load this.

/** A moment, in milliseconds since 1970. */
type Time = number;

export interface Author {
  kind: 'contact' | 'member' | 'agent' | 'api' | 'business_app' | 'other_app';
  id?: string;
  key?: string;
  name?: string;
}

export interface MetaError {
  code: number;
  title: string;
  details?: string;
}

export interface Contact {
  id: string;
  phone?: string;
  bsuid?: string;
  bsuids?: string[];
  parent_bsuid?: string;
  group_id?: string;
  name?: string;
  username?: string;
  linked_to?: string;
  linked?: string[];
  merged_into?: string;
  merged?: { contact_id: string; phone?: string; name?: string; username?: string; linked?: string[]; blocked_on?: string[] }[];
  named_at?: Time;
  opted_out_at?: Time;
  opted_out_by?: 'preference' | 'refusal' | 'keyword' | 'business';
  unreachable?: { at: Time; code: number };
  opted_in_at?: Time;
  given_name?: string;
  attributes?: Record<string, string | number | boolean>;
  labels?: string[];
  owner?: string;
  lists?: string[];
  is_minor?: boolean;
  blocked_on?: string[];
  consents?: Record<string, { state: 'given' | 'withdrawn'; at: Time; source: string }>;
  created: Time;
  updated: Time;
}

export interface Conversation {
  id: string;
  number: string;
  contact_id: string;
  contact?: Contact | null;
  status: 'open' | 'pending' | 'resolved';
  assignee?: string;
  labels: string[];
  unread: number;
  last_inbound?: Time;
  last_activity: Time;
  last_message_seq: number;
  last_message_by?: Author;
  last_message_id?: string;
  last_message_kind?: string;
  last_message_failed?: true;
  preview?: string;
  created: Time;
}

export interface Delivery {
  state:
    | 'queued'
    | 'claimed'
    | 'unknown'
    | 'held'
    | 'sent'
    | 'delivered'
    | 'read'
    | 'played'
    | 'failed'
    | 'expired'
    | 'cancelled';
  times: Record<string, Time>;
  priority: 'interactive' | 'bulk';
  on_unknown: 'never_duplicate' | 'ask' | 'retry_after_deadline';
  attempts: number;
  send_at?: Time;
  valid_until?: Time;
  gave_up?: Time;
  error?: MetaError;
  category?: string;
  client_msg_id?: string;
}

/** A content in Meta's shape: the object named by its `type` stands beside it. */
export interface Content {
  type: string;
  [key: string]: any;
}

/** The file of a message, or one that is about to be sent. */
export interface MediaFile {
  media_id: string;
  state: 'pending' | 'stored' | 'refused' | 'failed' | 'removed';
  mime?: string;
  bytes?: number;
  name?: string;
  why?: string;
}

export interface Message {
  id: string;
  conversation_id: string;
  contact_id: string;
  number: string;
  direction: 'inbound' | 'outbound' | 'note';
  author: Author;
  content: Content;
  created: Time;
  wamid?: string;
  delivery?: Delivery;
  via?: 'history' | 'standby';
  edited_at?: Time;
  versions?: { content: Content; at: Time }[];
  first_version_missing?: true;
  revoked_at?: Time;
  media?: MediaFile;
  /** Files in its headers that were uploaded here. */
  files?: MediaFile[];
}

export interface Lane {
  state: 'running' | 'slowed' | 'paused';
  scope?: 'all' | 'bulk';
  reason?: string;
  code?: number;
  title?: string;
  details?: string;
  until?: Time;
}

export interface PhoneNumber {
  phone_number_id: string;
  display_phone_number: string;
  waba_id: string;
  app?: string;
  rate: number;
  lane: Lane;
  standing: NumberStanding | null;
}

/** What Meta told of a number last, in its own words. */
export interface NumberStanding {
  quality: string | null;
  messaging_limit: string | null;
  name_status: string | null;
  status: string | null;
  at: Time;
}

/** A page of a list: `as_of_seq` was read before its rows. */
export interface Page {
  next_cursor: string | null;
  epoch: string;
  as_of_seq: number;
}

export type ConversationPage = Page & { conversations: Conversation[] };
export type MessagePage = Page & { messages: Message[] };

export interface CannedReply {
  shortcut: string;
  text: string;
  private?: true;
  changed_at: Time;
  changed_by: Author;
}

export interface QuickFile {
  shortcut: string;
  media_id: string;
  kind?: string;
  name?: string;
  mime: string;
  bytes: number;
}

export type Role = 'owner' | 'admin' | 'supervisor' | 'agent' | 'read_only';

/** A refusal, as the page carries it: see `ApiError`. */
export interface Refusal extends Error {
  status: number;
  code: string;
  wait: number | null;
}

/** What a part that works by itself gets of the browser, so that tests can hold it. */
export interface Timers {
  setTimeout(run: () => void, wait: number): number;
  clearTimeout(id: number | null): void;
}
