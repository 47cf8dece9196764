// Writes JSON for the few shapes of the events, without a library.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace TaskbellSwarm
{
    /// <summary>Writes JSON. A field that is null is left out.</summary>
    internal static class JsonText
    {
        internal static string Of(object value)
        {
            StringBuilder text = new StringBuilder();
            Write(value, text);
            return text.ToString();
        }

        private static void Write(object value, StringBuilder into)
        {
            if (value == null)
            {
                into.Append("null");
            }
            else if (value is string)
            {
                WriteText((string)value, into);
            }
            else if (value is bool)
            {
                into.Append((bool)value ? "true" : "false");
            }
            else if (value is double || value is float)
            {
                double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
                bool finite = !double.IsNaN(number) && !double.IsInfinity(number);
                into.Append(finite ? number.ToString("R", CultureInfo.InvariantCulture) : "null");
            }
            else if (value is IDictionary<string, object>)
            {
                WriteFields((IDictionary<string, object>)value, into);
            }
            else if (value is IEnumerable)
            {
                WriteItems((IEnumerable)value, into);
            }
            else if (value is int || value is long || value is uint || value is ulong)
            {
                into.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
            }
            else
            {
                WriteText(Convert.ToString(value, CultureInfo.InvariantCulture), into);
            }
        }

        private static void WriteFields(IDictionary<string, object> fields, StringBuilder into)
        {
            into.Append('{');
            bool first = true;
            foreach (KeyValuePair<string, object> field in fields)
            {
                if (field.Value == null)
                {
                    continue;
                }
                into.Append(first ? "" : ",");
                first = false;
                WriteText(field.Key, into);
                into.Append(':');
                Write(field.Value, into);
            }
            into.Append('}');
        }

        private static void WriteItems(IEnumerable items, StringBuilder into)
        {
            into.Append('[');
            bool first = true;
            foreach (object item in items)
            {
                into.Append(first ? "" : ",");
                first = false;
                Write(item, into);
            }
            into.Append(']');
        }

        private static void WriteText(string text, StringBuilder into)
        {
            into.Append('"');
            foreach (char c in text)
            {
                if (c == '"' || c == '\\')
                {
                    into.Append('\\').Append(c);
                }
                else if (c < ' ')
                {
                    into.Append("\\u").Append(((int)c).ToString("x4"));
                }
                else
                {
                    into.Append(c);
                }
            }
            into.Append('"');
        }
    }
}
